import process from "node:process";
import { run } from "../shared/run.ts";
import { startIdentity } from "./identity.ts";

await run("identity", () => startIdentity(process.env));
