import process from "node:process";
import { run } from "../shared/run.ts";
import { startErrors } from "./errors.ts";

await run("errors", () => startErrors(process.env));
