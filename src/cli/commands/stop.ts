import { serviceCommand } from "../service-command.ts";

export const stopCommand = serviceCommand("stop", {
  summary: "Stop services until they are started again",
  description:
    "Their routes answer 503 with a maintenance page. Nothing restarts them, not even a new deployment.",
  examples: [
    { command: "roadstead stop worker", meaning: "one service" },
    { command: "roadstead stop api worker --reason 'moving the database'", meaning: "two, with the reason" },
  ],
});
