import process from "node:process";
import { run } from "../shared/run.ts";
import { startPayments } from "./payments.ts";

await run("payments", () => startPayments(process.env));
