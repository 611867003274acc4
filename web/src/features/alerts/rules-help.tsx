/** Where thresholds are changed: in the file of the stack, so that a change is a commit like any other. */
export function RulesHelp() {
  return (
    <details>
      <summary>Change a threshold, or switch a rule off</summary>
      <div className="stack tight">
        <p className="quiet">
          In the Compose file of the stack, by the name that stands under each rule; the next deploy takes it
          over:
        </p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
        <pre className="output" tabIndex={0}>
          {example}
        </pre>
      </div>
    </details>
  );
}

const example = `x-roadstead:
  alerts:
    rules:
      memory: { warning: 90%, for: 10m }
      latency: { warning: 300ms, services: [web] }
      slow-queries: false`;
