export type Choice = { value: string; label: string };

/** The page on which a person is picked: real forms and buttons, so that a browser test can press them. */
export function signInPage(service: string, action: string, choices: readonly Choice[]): string {
  const buttons = choices
    .map(
      ({ value, label }) =>
        `<button name="person" value="${escapeHtml(value)}">${escapeHtml(label)}</button>`,
    )
    .join("\n");
  return page(
    `Sign in with ${service}`,
    `<form method="post" action="${escapeHtml(action)}">
${buttons}
<button name="cancel" value="1" class="quiet">Cancel</button>
</form>`,
  );
}

export function errorPage(title: string, reason: string): string {
  return page(title, `<p>${escapeHtml(reason)}</p>`);
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 22rem; margin: 12vh auto; padding: 0 1rem; color: #1c2733 }
form { display: grid; gap: .5rem }
button { font: inherit; padding: .7rem; border: 1px solid #b9c4cf; border-radius: .5rem; background: #fff; cursor: pointer }
button:focus-visible { outline: 3px solid #2b6cb0 } button.quiet { border-color: transparent; color: #52606d }
</style></head>
<body><main><h1>${escapeHtml(title)}</h1>
${content}
</main></body></html>`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
