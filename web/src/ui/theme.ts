import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const key = "roadstead-theme";
const listeners = new Set<() => void>();

/** The operator's choice; `system` follows the machine. public/theme.js applies it before the first paint. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const theme = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => (document.documentElement.dataset["theme"] as Theme | undefined) ?? "system",
  );
  return [theme, setTheme];
}

export function setTheme(theme: Theme): void {
  if (theme === "system") {
    delete document.documentElement.dataset["theme"];
    localStorage.removeItem(key);
  } else {
    document.documentElement.dataset["theme"] = theme;
    localStorage.setItem(key, theme);
  }
  for (const listener of listeners) listener();
}
