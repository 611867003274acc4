import { useSyncExternalStore } from "react";
import type { Tone } from "./mark.tsx";
import { Message } from "./message.tsx";

type Toast = { id: number; tone: Tone; text: string; hint?: string | undefined };

let toasts: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();
const shownForMs = 8000;
const most = 4;

function change(to: readonly Toast[]): void {
  toasts = to;
  for (const listener of listeners) listener();
}

/** Tells what came of an action; failures stay longer in the page they belong to. */
export function tell(tone: Tone, text: string, hint?: string): void {
  const id = next++;
  change([...toasts.slice(1 - most), { id, tone, text, hint }]);
  setTimeout(() => change(toasts.filter((toast) => toast.id !== id)), shownForMs);
}

export function tellFailure(error: Error & { hint?: string | undefined }): void {
  tell("critical", error.message, error.hint);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" aria-live="polite">
      {shown.map(({ id, tone, text, hint }) => (
        <Message key={id} tone={tone} live={false}>
          <p>{text}</p>
          {hint !== undefined && <p>{hint}</p>}
        </Message>
      ))}
    </div>
  );
}
