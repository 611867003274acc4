import { serviceCommand } from "../service-command.ts";

export const startCommand = serviceCommand("start", {
  summary: "Start services that were stopped",
  description: "They take traffic once they are ready.",
  examples: [{ command: "roadstead start worker", meaning: "one service" }],
});
