import { useState } from "react";
import { useApi } from "../../api/queries.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { tell, tellFailure } from "../../ui/toasts.tsx";

/** What to tell the people who wait, and the record for afterwards; both made of the timeline. */
export function Messages({ id }: { id: string }) {
  const [which, setWhich] = useState<"message" | "postMortem">();
  const query = useApi("GET /incidents/:id/text", { params: { id }, enabled: which !== undefined });
  const copy = (text: string) =>
    navigator.clipboard.writeText(text).then(() => tell("healthy", "Copied"), tellFailure);
  return (
    <Panel title="Texts">
      <div className="row">
        <button type="button" className="button" onClick={() => setWhich("message")}>
          Message for stakeholders
        </button>
        <button type="button" className="button" onClick={() => setWhich("postMortem")}>
          Post-mortem
        </button>
      </div>
      {which !== undefined && (
        <Loaded query={query} waitingFor="the text">
          {(texts) => (
            <>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
              <pre className="output" tabIndex={0}>
                {texts[which]}
              </pre>
              <button type="button" className="button" onClick={() => void copy(texts[which])}>
                Copy
              </button>
            </>
          )}
        </Loaded>
      )}
    </Panel>
  );
}
