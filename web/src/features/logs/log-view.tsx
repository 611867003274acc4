import { useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { clock } from "../../ui/format.ts";
import type { Line, LogBook } from "./log-book.ts";

const lineHeight = 20;
const beyond = 12;
const failing = /\b(ERROR|FATAL|PANIC|Error:)/;

/** Only the lines in sight are in the page; at its end it follows the newest. */
export function LogView({
  book,
  search,
  following,
  many = false,
}: {
  book: LogBook;
  search: string;
  following: boolean;
  /** Lines of several stacks: each says of which it is. */
  many?: boolean;
}) {
  useSyncExternalStore(book.subscribe, book.version);
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const lines = book.shown;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const count = lines.length;
  const newest = lines.at(-1)?.n;
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each newest line, also when the number stays the same
  useLayoutEffect(() => {
    const element = box.current;
    if (following && element) element.scrollTop = count * lineHeight;
  }, [following, count, newest]);
  const first = Math.max(0, Math.floor(top / lineHeight) - beyond);
  const last = Math.min(count, Math.ceil((top + height) / lineHeight) + beyond);
  return (
    <div
      className="log"
      ref={box}
      role="log"
      aria-live="off"
      aria-label="Log lines"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
    >
      <div style={{ height: count * lineHeight }}>
        <div style={{ transform: `translateY(${first * lineHeight}px)` }}>
          {lines.slice(first, last).map((line) => (
            <LogLine key={line.n} line={line} search={search} many={many} />
          ))}
        </div>
      </div>
    </div>
  );
}

function LogLine({ line, search, many }: { line: Line; search: string; many: boolean }) {
  // Many programs write everything to stderr: that alone is no error.
  const bad = line.level === "error" || (line.level === undefined && failing.test(line.text));
  const aside = line.level === "warn" || line.stream === "stderr";
  return (
    <div className={bad ? "line bad" : aside ? "line aside" : "line"} title={line.text}>
      <time>{line.at === undefined ? "" : clock(line.at)}</time>
      <b>{many ? `${line.scope.split("/")[0]} ${line.service}` : line.service}</b>
      <i>{line.level ?? line.stream}</i>
      <span>
        <Found text={line.text} search={search} />
      </span>
    </div>
  );
}

function Found({ text, search }: { text: string; search: string }) {
  const at = search === "" ? -1 : text.toLowerCase().indexOf(search.toLowerCase());
  if (at === -1) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + search.length)}</mark>
      {text.slice(at + search.length)}
    </>
  );
}
