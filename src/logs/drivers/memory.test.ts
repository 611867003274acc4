import { logStoreConformance } from "../conformance.ts";
import { MemoryLogStore } from "./memory.ts";

logStoreConformance("memory", (options) => new MemoryLogStore(options));
