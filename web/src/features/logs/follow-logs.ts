import { ApiFailure, stream } from "../../api/client.ts";
import { type Scope, scopeText } from "../../ui/scope-text.ts";
import type { LogBook } from "./log-book.ts";

const atFirst = 500;

/** Puts the last lines of a stack into the book and then each new one, across restarts of the control plane. */
export async function followLogs(book: LogBook, scope: Scope, signal: AbortSignal): Promise<void> {
  let since: number | undefined;
  while (!signal.aborted) {
    try {
      const lines = stream("GET /stacks/:stack/:environment/logs", {
        params: scope,
        query: since === undefined ? { tail: atFirst, follow: true } : { since: since + 1, follow: true },
        signal,
      });
      for await (const { at, service, replica, stream: from, text } of lines) {
        since = at ?? since;
        book.add({
          at,
          scope: scopeText(scope),
          service,
          replica,
          stream: from,
          level: undefined,
          requestId: undefined,
          text,
        });
      }
    } catch (error) {
      if (error instanceof ApiFailure && error.status >= 400) throw error;
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
