import { type FormEvent, type ReactNode, useState } from "react";
import type { ApiFailure } from "../../api/client.ts";
import { Brand } from "../../ui/brand.tsx";
import { Message } from "../../ui/message.tsx";

/** The frame of sign-in and set-up: one form, its failure above it. */
export function EntryForm({
  title,
  intro,
  action,
  onSubmit,
  children,
  below,
}: {
  title: string;
  intro: ReactNode;
  action: string;
  onSubmit: (values: Record<string, string>) => Promise<void>;
  children: ReactNode;
  below?: ReactNode;
}) {
  const [failure, setFailure] = useState<ApiFailure>();
  const [busy, setBusy] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values = Object.fromEntries(
      [...new FormData(event.currentTarget)].map(([key, value]) => [key, String(value)]),
    );
    setBusy(true);
    setFailure(undefined);
    onSubmit(values)
      .catch(setFailure)
      .finally(() => setBusy(false));
  };
  return (
    <main className="alone">
      <div className="brand">
        <Brand />
      </div>
      <form className="stack" onSubmit={submit} aria-busy={busy}>
        <div className="stack tight">
          <h1>{title}</h1>
          <p className="quiet">{intro}</p>
        </div>
        {failure && (
          <Message tone="critical">
            <p>{failure.message}</p>
            {failure.problems.map((problem) => (
              <p key={problem.path}>
                {problem.path.replace("body.", "")}: {problem.message}
              </p>
            ))}
            {failure.hint !== undefined && <p>{failure.hint}</p>}
          </Message>
        )}
        {children}
        <button type="submit" className="button main" disabled={busy}>
          {action}
        </button>
        {below}
      </form>
    </main>
  );
}
