import { Dialog } from "./dialog.tsx";
import { Legend } from "./mark.tsx";

const keys: readonly [string, string][] = [
  ["Ctrl K", "go to a page, stack or service, or do something"],
  ["g o", "overview"],
  ["g s", "stacks"],
  ["g d", "deployments"],
  ["g l", "logs"],
  ["g r", "pipeline runs"],
  ["g a", "alerts"],
  ["g i", "incidents and drills"],
  ["g b", "backups"],
  ["j  k", "next and previous row"],
  ["/", "search in this page"],
  ["Esc", "close"],
  ["?", "this list"],
];

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog title="Keyboard" open={open} onClose={onClose}>
      <table>
        <tbody>
          {keys.map(([key, does]) => (
            <tr key={key}>
              <td className="nowrap">
                <kbd>{key}</kbd>
              </td>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h2>Signs</h2>
      <Legend />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
