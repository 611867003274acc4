import { repositoryConformance } from "../conformance.ts";
import { MemoryRepository } from "./memory.ts";

repositoryConformance("memory", async () => {
  const repository = new MemoryRepository();
  return {
    repository,
    damage: async (_how, id) => repository.damage(id),
    close: async () => undefined,
  };
});
