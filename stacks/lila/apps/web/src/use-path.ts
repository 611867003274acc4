import { useSyncExternalStore } from "react";

const changed = "lila:path";

function subscribe(notify: () => void): () => void {
  addEventListener("popstate", notify);
  addEventListener(changed, notify);
  return () => {
    removeEventListener("popstate", notify);
    removeEventListener(changed, notify);
  };
}

/** Three pages need no router. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

export function go(path: string): void {
  history.pushState(null, "", path);
  dispatchEvent(new Event(changed));
}
