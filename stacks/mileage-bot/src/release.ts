import { prepare } from "./prepare.ts";
import { runOnce } from "./run-once.ts";

await runOnce("release", prepare);
