/** Each version has its own colour, so that a deployment is visible at a glance. */
const hues = [205, 150, 25, 280, 340, 60];

/** The whole page: rendered with the board of now, then refreshed every two seconds by the script at its end. */
export function page(board, version, publicApi) {
  const number = Number.parseInt(version, 10);
  const hue = hues[((Number.isNaN(number) ? 1 : number) - 1 + hues.length) % hues.length];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Harbor v${escapeHtml(version)}</title>
<style>${styles(hue)}</style>
</head>
<body>
<header>
  <h1>Harbor</h1>
  <p><span class="badge">page v${escapeHtml(version)}</span> <span class="badge" id="api">API v${escapeHtml(board.version)}</span></p>
</header>
<main>
  <section class="numbers" aria-label="Counts">
    <div><strong id="total">${board.total}</strong><span>ships seen</span></div>
    <div><strong id="inPort">${board.inPort}</strong><span>in port</span></div>
    <div><strong id="tonnes">${board.tonnes}</strong><span>tonnes in port</span></div>
    <div><strong id="beats">${board.worker?.beats ?? 0}</strong><span>heartbeats of worker v<span id="workerVersion">${escapeHtml(board.worker?.version ?? "?")}</span></span></div>
  </section>
  <table>
    <thead><tr><th>Ship</th><th>Cargo</th><th>Tonnes</th><th>Arrived</th></tr></thead>
    <tbody id="ships">${board.ships.map(row).join("")}</tbody>
  </table>
  <p class="note" id="note">Fresh every two seconds. Deploy another version and watch the colour change: no request fails.</p>
</main>
<script>${script(publicApi)}</script>
</body>
</html>
`;
}

function row(ship) {
  const time = new Date(ship.arrivedAt).toISOString().slice(11, 19);
  return `<tr><td>${escapeHtml(ship.name)}</td><td>${escapeHtml(ship.cargo)}</td><td>${ship.tonnes}</td><td>${time}</td></tr>`;
}

function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (letter) => `&#${letter.codePointAt(0)};`);
}

function styles(hue) {
  return `
:root { --hue: ${hue}; color-scheme: light dark; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: hsl(var(--hue) 40% 97%); color: hsl(var(--hue) 40% 14%); }
header { padding: 3rem 1.5rem 5rem; text-align: center; color: white;
  background: linear-gradient(170deg, hsl(var(--hue) 60% 28%), hsl(var(--hue) 65% 45%)); }
h1 { margin: 0; font-size: 3rem; letter-spacing: -.03em; }
.badge { display: inline-block; padding: .15rem .7rem; border-radius: 1rem; background: rgb(255 255 255 / .2); }
main { max-width: 52rem; margin: -3rem auto 3rem; padding: 0 1rem; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 1rem; }
.numbers div, table { background: white; border-radius: .8rem; box-shadow: 0 .3rem 1.2rem hsl(var(--hue) 40% 20% / .12); }
.numbers div { padding: 1rem; text-align: center; }
strong { display: block; font-size: 2rem; font-variant-numeric: tabular-nums; color: hsl(var(--hue) 65% 35%); }
.numbers span { font-size: .85rem; opacity: .8; }
table { width: 100%; margin-top: 1.5rem; border-collapse: collapse; overflow: hidden; }
th, td { padding: .55rem 1rem; text-align: left; font-variant-numeric: tabular-nums; }
th { background: hsl(var(--hue) 45% 92%); font-size: .85rem; }
tr + tr td { border-top: 1px solid hsl(var(--hue) 30% 92%); }
.note { text-align: center; font-size: .9rem; opacity: .75; }
@media (prefers-color-scheme: dark) {
  body { background: hsl(var(--hue) 30% 9%); color: hsl(var(--hue) 20% 90%); }
  .numbers div, table { background: hsl(var(--hue) 25% 14%); }
  th { background: hsl(var(--hue) 25% 20%); }
  tr + tr td { border-color: hsl(var(--hue) 20% 20%); }
  strong { color: hsl(var(--hue) 60% 70%); }
}`;
}

function script(publicApi) {
  return `
const api = ${JSON.stringify(publicApi)};
const set = (id, value) => { document.getElementById(id).textContent = value; };
async function refresh() {
  try {
    const answer = await fetch(api + "/api/board");
    if (!answer.ok) throw new Error("HTTP " + answer.status);
    const board = await answer.json();
    for (const id of ["total", "inPort", "tonnes"]) set(id, board[id]);
    set("api", "API v" + board.version);
    set("beats", board.worker ? board.worker.beats : 0);
    set("workerVersion", board.worker ? board.worker.version : "?");
    const rows = board.ships.map((ship) => {
      const tr = document.createElement("tr");
      for (const text of [ship.name, ship.cargo, ship.tonnes, ship.arrivedAt.slice(11, 19)])
        tr.appendChild(document.createElement("td")).textContent = text;
      return tr;
    });
    document.getElementById("ships").replaceChildren(...rows);
  } catch (error) {
    set("note", "The API does not answer: " + error.message);
  }
}
setInterval(refresh, 2000);`;
}
