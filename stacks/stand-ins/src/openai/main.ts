import process from "node:process";
import { run } from "../shared/run.ts";
import { startOpenai } from "./openai.ts";

await run("openai", () => startOpenai(process.env));
