import process from "node:process";
import { run } from "../shared/run.ts";
import { startDiscord } from "./discord.ts";

await run("discord", () => startDiscord(process.env));
