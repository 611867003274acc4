/** The real control plane that dies by kill -9 right after the journal entry number CRASH_AFTER of this process. */
import { startControlPlane } from "../../bin/control-plane.ts";

const crashAfter = Number(process.env["CRASH_AFTER"] ?? Number.POSITIVE_INFINITY);
let entries = 0;

await startControlPlane(process.argv.slice(2), () => {
  entries += 1;
  if (entries === crashAfter) process.kill(process.pid, "SIGKILL");
});
