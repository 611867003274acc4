import { createMemoryStore } from "../../store/drivers/memory.ts";
import { ownSecretsConformance, providerConformance } from "../conformance.ts";
import { BuiltinSecrets } from "./builtin.ts";
import { MemoryOwnSecrets, MemorySecrets } from "./memory.ts";

providerConformance("memory", async () => {
  const provider = new MemorySecrets();
  return {
    provider,
    plant: async (value) => {
      provider.values.set("here", value);
      return "here";
    },
    unknown: "nowhere",
    takeDown: async () => {
      provider.isDown = true;
    },
  };
});

ownSecretsConformance("memory", () => new MemoryOwnSecrets());
ownSecretsConformance("the store's contents", () => new BuiltinSecrets(createMemoryStore().secrets));
