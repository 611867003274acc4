import type { OverviewView } from "../../../../src/api/contract/overview.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { clock, minute } from "../../ui/format.ts";
import { asCsv, exportRows } from "./export-data.ts";

/** What the board shows, as a file. */
export function ExportDialog({ board, onClose }: { board: OverviewView | undefined; onClose: () => void }) {
  if (!board) return null;
  const name = `roadstead-${minute(board.at).replace(" ", "T").replace(":", "")}`;
  return (
    <Dialog title="Export data" open onClose={onClose}>
      <p>
        What the panels show now ({clock(board.at)}), and the chart from {minute(board.responseTime.from)} to{" "}
        {minute(board.responseTime.to)}.
      </p>
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="button"
          onClick={() => save(`${name}.json`, "application/json", JSON.stringify(board, null, 2))}
        >
          JSON
        </button>
        <button
          type="button"
          className="button main"
          onClick={() => save(`${name}.csv`, "text/csv", asCsv(exportRows(board)))}
        >
          CSV
        </button>
      </div>
    </Dialog>
  );
}

function save(name: string, type: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
