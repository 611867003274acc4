import { useNavigate, useSearch } from "@tanstack/react-router";
import { Pause, Play, Trash2 } from "lucide-react";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useApi } from "../api/queries.ts";
import { followLogs } from "../features/logs/follow-logs.ts";
import { LogBook } from "../features/logs/log-book.ts";
import { LogView } from "../features/logs/log-view.tsx";
import { Choice, Field } from "../ui/field.tsx";
import { whole } from "../ui/format.ts";
import { Empty, Message } from "../ui/message.tsx";
import { PageHead } from "../ui/panel.tsx";
import { parseScope, scopeText } from "../ui/scope-text.ts";

const from = "/inside/logs" as const;

/** Lines of a stack's services, live, filtered as one types. The filters are in the address: a view can be passed on. */
export function Logs() {
  const search = useSearch({ from });
  const navigate = useNavigate({ from: "/logs" });
  const { data } = useApi("GET /stacks");
  const stacks = data?.stacks ?? [];
  const chosen = search.scope ?? (stacks[0] ? scopeText(stacks[0].scope) : undefined);
  const scope = parseScope(chosen);
  const services = stacks.find((status) => scopeText(status.scope) === chosen)?.services ?? [];
  const [following, setFollowing] = useState(true);
  const [failure, setFailure] = useState<string>();
  const book = useMemo(() => new LogBook(), []);
  const { service = "", stream = "", level = "", text = "" } = search;
  useEffect(() => book.filter({ service, stream, level, text }), [book, service, stream, level, text]);
  useEffect(() => {
    const scope = parseScope(chosen);
    if (!scope) return;
    const end = new AbortController();
    book.clear();
    setFailure(undefined);
    followLogs(book, scope, end.signal).catch(
      (error: Error) => !end.signal.aborted && setFailure(error.message),
    );
    return () => end.abort();
  }, [book, chosen]);
  const set = (change: Partial<typeof search>) => {
    const next = { ...search, ...change };
    const kept = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== ""));
    void navigate({ search: kept, replace: true });
  };
  return (
    <>
      <PageHead title="Logs" crumbs="Live">
        <button
          type="button"
          className="button"
          aria-pressed={!following}
          onClick={() => setFollowing(!following)}
        >
          {following ? <Pause size={14} aria-hidden="true" /> : <Play size={14} aria-hidden="true" />}
          {following ? "Pause" : "Follow"}
        </button>
        <button type="button" className="button" onClick={() => book.clear()}>
          <Trash2 size={14} aria-hidden="true" /> Clear
        </button>
      </PageHead>
      <search className="filters">
        <Choice
          label="Stack"
          value={chosen ?? ""}
          onChange={({ target }) => set({ scope: target.value, service: "" })}
        >
          {stacks.map((status) => (
            <option key={scopeText(status.scope)}>{scopeText(status.scope)}</option>
          ))}
        </Choice>
        <Choice label="Service" value={service} onChange={({ target }) => set({ service: target.value })}>
          <option value="">all</option>
          {services.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </Choice>
        <Choice label="Stream" value={stream} onChange={({ target }) => set({ stream: target.value })}>
          <option value="">all</option>
          <option>stdout</option>
          <option>stderr</option>
        </Choice>
        <Field
          wide
          type="search"
          label="Text"
          value={text}
          placeholder="part of a line, or a request id"
          onChange={({ target }) => set({ text: target.value })}
        />
      </search>
      {failure !== undefined && (
        <Message tone="warning">
          <p>The stream ended: {failure}. Load the page again to go on.</p>
        </Message>
      )}
      {data && stacks.length === 0 ? (
        <Empty run="./roadstead deploy -f compose.yaml">
          <p>Nothing runs yet, so nothing is logged. In the folder of a Compose file, run:</p>
        </Empty>
      ) : (
        scope && <Lines book={book} search={text} following={following} />
      )}
    </>
  );
}

function Lines({ book, search, following }: { book: LogBook; search: string; following: boolean }) {
  useSyncExternalStore(book.subscribe, book.version);
  return (
    <div>
      <p className="small quiet">
        {whole(book.shown.length)} of {whole(book.held)} lines
        {book.held > 0 && book.shown.length === 0 ? ": no line fits the filter" : ""}
      </p>
      <LogView book={book} search={search} following={following} />
    </div>
  );
}
