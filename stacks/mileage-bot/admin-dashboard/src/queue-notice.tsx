import { ask, type Queue } from "./api.ts";
import { useData } from "./use-data.ts";

/** What a database outage left behind, so that it is seen and can be tried again. */
export function QueueNotice() {
  const [queue, reload] = useData<Queue>("/api/queue");
  if (queue.state !== "ready" || (queue.data.waiting === 0 && queue.data.rejected === 0)) return null;
  const { waiting, rejected, gaveUp, lastError } = queue.data;
  const retry = async () => {
    await ask("/api/queue/retry", "POST").catch(() => undefined);
    await reload();
  };
  return (
    <aside role="alert">
      {waiting > 0 && <p>{waiting} entries wait for the database.</p>}
      {gaveUp && <p>Retries were given up ({lastError}); the entries are kept.</p>}
      {rejected > 0 && <p>{rejected} entries were refused by the database and put aside.</p>}
      <button type="button" onClick={() => void retry()}>
        Try again
      </button>
    </aside>
  );
}
