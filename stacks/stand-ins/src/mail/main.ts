import process from "node:process";
import { run } from "../shared/run.ts";
import { startMail } from "./mail.ts";

await run("mail", () => startMail(process.env));
