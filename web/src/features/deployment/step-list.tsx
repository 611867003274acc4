import { doneWords, stepWords } from "../../../../src/rollout/step-words.ts";
import { clock, span } from "../../ui/format.ts";
import { Mark } from "../../ui/mark.tsx";
import { useNow } from "../../ui/now.ts";
import type { StepLine } from "./journal.ts";

const tones = { running: "busy", done: "healthy", failed: "critical" } as const;

/** The steps in the order in which they began, live. */
export function StepList({ steps }: { steps: readonly StepLine[] }) {
  const now = useNow(500);
  return (
    <ol className="steps" aria-label="Steps">
      {steps.map((line) => (
        <li key={line.key}>
          <span className="small quiet nowrap">{clock(line.startedAt)}</span>
          <Mark tone={tones[line.state]}>
            <span className="sr">{line.state}: </span>
          </Mark>
          <div>
            <span>{line.state === "running" ? stepWords(line.step) : doneWords(line.step)}</span>
            <Result line={line} />
            {line.output.length > 0 && (
              <details open={line.state !== "done"}>
                <summary className="small quiet">
                  {line.output.length} {line.output.length === 1 ? "line" : "lines"}
                </summary>
                <pre className="output">{line.output.join("\n")}</pre>
              </details>
            )}
          </div>
          <span className="num small">{span(line.durationMs ?? Math.max(0, now - line.startedAt))}</span>
        </li>
      ))}
    </ol>
  );
}

function Result({ line: { result, failure } }: { line: StepLine }) {
  if (failure)
    return (
      <div className="tone-critical">
        {failure.message}
        {failure.probe && (
          <pre className="output">{[failure.probe.reason, failure.probe.body].join("\n")}</pre>
        )}
      </div>
    );
  switch (result?.kind) {
    case "verdict":
      return (
        <div className={result.verdict === "fail" ? "tone-critical" : "quiet"}>
          {result.verdict}: {result.detail}
        </div>
      );
    case "smoke":
      return <span className="quiet"> · {result.passed} passed</span>;
    case "image":
      return <span className="quiet"> · {result.description}</span>;
    case "job":
      return <span className="quiet"> · exit code {result.exitCode}</span>;
    default:
      return null;
  }
}
