import { sha256 } from "../../lib/hash.ts";
import { registryConformance } from "../conformance.ts";
import { imageStoreConformance } from "../store-conformance.ts";
import { MemoryRegistry } from "./memory.ts";

registryConformance(() => {
  const registry = new MemoryRegistry();
  const repository = "registry.test/acme/web";
  return {
    registry,
    repository,
    push: async (tag, text) => {
      const digest = `sha256:${sha256(text)}`;
      registry.push(repository, tag, { digest, labels: { text } });
      return digest;
    },
  };
});

imageStoreConformance(() => ({
  store: new MemoryRegistry(),
  repository: "registry.test/acme/web",
  other: "registry.test/acme/api",
}));
