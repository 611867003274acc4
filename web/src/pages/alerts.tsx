import { Empty } from "../ui/message.tsx";
import { PageHead } from "../ui/panel.tsx";

/** What is wrong now, what was, and who is told. */
export function Alerts() {
  return (
    <>
      <PageHead title="Alerts" />
      <Empty>
        <p>Alerts are not available in this version of the control plane.</p>
      </Empty>
    </>
  );
}
