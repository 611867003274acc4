import { telemetryConformance } from "../conformance.ts";
import { createMemoryTelemetry } from "./memory.ts";

telemetryConformance("memory", { make: createMemoryTelemetry });
