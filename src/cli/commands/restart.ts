import { serviceCommand } from "../service-command.ts";

export const restartCommand = serviceCommand("restart", {
  summary: "Replace replicas by fresh ones, without downtime where the strategy allows",
  description:
    "A restart is a rollout of the same release: the new replicas are proven before the old ones go.",
  examples: [
    { command: "roadstead restart api", meaning: "one service" },
    { command: "roadstead restart --stack harbor", meaning: "the whole stack" },
  ],
});
