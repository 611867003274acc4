import { ApiFailure, stream } from "../../api/client.ts";
import { scopeText } from "../../ui/scope-text.ts";
import type { LogBook } from "./log-book.ts";

const atFirst = 1000;

export type LogQuery = { scope?: string; service?: string; stream?: string; level?: string; text?: string };

/** Puts the last kept lines that fit into the book and then each new one, across restarts of the control plane. */
export async function followLogs(book: LogBook, wanted: LogQuery, signal: AbortSignal): Promise<void> {
  let since: number | undefined;
  while (!signal.aborted) {
    try {
      const lines = stream("GET /logs/follow", {
        query: {
          ...wanted,
          ...(since === undefined ? { tail: atFirst } : { since: since + 1, tail: 5000 }),
        } as never,
        signal,
      });
      for await (const { at, scope, service, replica, stream: from, level, requestId, text } of lines) {
        since = at;
        book.add({ at, scope: scopeText(scope), service, replica, stream: from, level, requestId, text });
      }
    } catch (error) {
      if (error instanceof ApiFailure && error.status >= 400) throw error;
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
