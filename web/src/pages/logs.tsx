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
import { scopeText } from "../ui/scope-text.ts";

const from = "/inside/logs" as const;
const typingMs = 300;

/** Lines of a stack's services, live, filtered as one types. The filters are in the address: a view can be passed on. */
export function Logs() {
  const search = useSearch({ from });
  const navigate = useNavigate({ from: "/logs" });
  const { data } = useApi("GET /stacks");
  const stacks = data?.stacks ?? [];
  const { scope = "", service = "", stream = "", level = "", text = "" } = search;
  const services = stacks.find((status) => scopeText(status.scope) === scope)?.services ?? [];
  const [following, setFollowing] = useState(true);
  const [failure, setFailure] = useState<string>();
  const book = useMemo(() => new LogBook(), []);
  useEffect(() => book.filter({ service, stream, level, text }), [book, service, stream, level, text]);
  useEffect(() => {
    const end = new AbortController();
    // What is typed filters at once what is here; a moment later the kept lines are searched for it.
    const pause = setTimeout(() => {
      book.clear();
      setFailure(undefined);
      const wanted = Object.entries({ scope, service, stream, level, text }).filter(
        ([, value]) => value !== "",
      );
      followLogs(book, Object.fromEntries(wanted), end.signal).catch(
        (error: Error) => !end.signal.aborted && setFailure(error.message),
      );
    }, typingMs);
    return () => {
      clearTimeout(pause);
      end.abort();
    };
  }, [book, scope, service, stream, level, text]);
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
          value={scope}
          onChange={({ target }) => set({ scope: target.value, service: "" })}
        >
          <option value="">all</option>
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
          <option>access</option>
          <option>platform</option>
        </Choice>
        <Choice label="Level" value={level} onChange={({ target }) => set({ level: target.value })}>
          <option value="">all</option>
          <option value="error">errors</option>
          <option value="warn">warnings and worse</option>
          <option value="info">info and worse</option>
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
        <Lines book={book} search={text} following={following} many={scope === ""} />
      )}
    </>
  );
}

function Lines({
  book,
  search,
  following,
  many,
}: {
  book: LogBook;
  search: string;
  following: boolean;
  many: boolean;
}) {
  useSyncExternalStore(book.subscribe, book.version);
  return (
    <div>
      <p className="small quiet">
        {whole(book.shown.length)} of {whole(book.held)} lines
        {book.held > 0 && book.shown.length === 0 ? ": no line fits the filter" : ""}
      </p>
      <LogView book={book} search={search} following={following} many={many} />
    </div>
  );
}
