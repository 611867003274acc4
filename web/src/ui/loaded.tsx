import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { ApiFailure } from "../api/client.ts";
import { Message } from "./message.tsx";

/** Shows an answer; while there is none, nothing for 200 ms and then what it waits for; a failure with what to do. */
export function Loaded<T>({
  query,
  waitingFor,
  children,
}: {
  query: UseQueryResult<T, ApiFailure>;
  /** Noun for the line that is shown after 200 ms: "the releases". */
  waitingFor: string;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <Failure error={query.error} again={() => void query.refetch()} />;
  return <p className="quiet waiting">Asking the control plane for {waitingFor}…</p>;
}

export function Failure({
  error,
  again,
}: {
  error: Error & { hint?: string | undefined };
  again?: () => void;
}) {
  return (
    <Message tone="critical">
      <p>{error.message}</p>
      {error.hint !== undefined && <p>{error.hint}</p>}
      {again && (
        <p>
          <button type="button" className="button" onClick={again}>
            Try again
          </button>
        </p>
      )}
    </Message>
  );
}
