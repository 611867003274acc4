import { useEffect } from "react";

const typing = "input, textarea, select, [contenteditable], dialog";

/** Keys that work everywhere except where one types. */
export function useKeys(actions: { find: () => void; help: () => void; go: (to: string) => void }): void {
  useEffect(() => {
    let before = "";
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        actions.find();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof Element && event.target.closest(typing)) return;
      if (before === "g" && event.key in places) {
        const to = places[event.key as keyof typeof places];
        event.preventDefault();
        actions.go(to);
      } else if (event.key === "?") actions.help();
      else if (event.key === "/") {
        const filter = document.querySelector<HTMLInputElement>("main input[type=search]");
        if (filter) {
          event.preventDefault();
          filter.focus();
        }
      } else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
      before = event.key;
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [actions]);
}

/** `g` and then the letter. */
export const places = {
  o: "/",
  s: "/stacks",
  d: "/deployments",
  l: "/logs",
  r: "/runs",
  a: "/alerts",
  i: "/incidents",
  b: "/backups",
} as const;

/** Moves the focus to the next or previous row of the page. */
function step(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at === -1 ? (by === 1 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + by));
  rows[next]?.focus();
  rows[next]?.scrollIntoView({ block: "nearest" });
}
