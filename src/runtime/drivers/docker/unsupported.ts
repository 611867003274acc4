import type { PlatformError } from "../../../lib/platform-error.ts";
import type { ComposeService } from "../../../stack/compose-model.ts";
import { runtimeError } from "../../errors.ts";

/** What would change the running service if it were left out, and what to write instead. */
const refusedKeys: readonly { key: keyof ComposeService; hint: string }[] = [
  { key: "credential_spec", hint: "It only exists on Windows; remove it." },
  { key: "cpu_count", hint: "It only exists on Windows; use `cpus`." },
  { key: "cpu_percent", hint: "It only exists on Windows; use `cpus`." },
  { key: "external_links", hint: "Put both services on one external network instead." },
  { key: "volumes_from", hint: "Name the volumes under `volumes` of this service." },
  {
    key: "provider",
    hint: "Run the provider outside the stack and pass its address as an environment variable.",
  },
  { key: "models", hint: "Run the model as a service of its own." },
  { key: "use_api_socket", hint: "Mount the engine's socket as a volume if the service really needs it." },
  { key: "label_file", hint: "Write the labels under `labels`." },
];

export function unsupported(service: string, key: string, why: string, hint: string): PlatformError {
  return runtimeError("RUNTIME_UNSUPPORTED", `services.${service}.${key} ${why}`, { hint });
}

/** Raises for keys that the engine (or this driver) cannot honour and that may not vanish silently. */
export function refuseUnsupported(service: string, compose: ComposeService): void {
  for (const { key, hint } of refusedKeys) {
    const value = compose[key];
    if (value === undefined || value === null || value === false) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    throw unsupported(service, key, "is not supported by the docker runtime", hint);
  }
  if (compose.isolation !== undefined && compose.isolation !== "default") {
    throw unsupported(service, "isolation", "only exists on Windows", "Remove it.");
  }
  if (compose.deploy?.resources?.reservations?.generic_resources !== undefined) {
    throw unsupported(
      service,
      "deploy.resources.reservations.generic_resources",
      "only exists in Swarm",
      "Remove it.",
    );
  }
  for (const key of ["ipc", "pid"] as const) {
    if (/^(service|container):/.test(compose[key] ?? "")) {
      throw unsupported(
        service,
        key,
        "cannot join another replica, which may be replaced at any time",
        "Run both programs in one service.",
      );
    }
  }
  if (/^(service|container):/.test(compose.network_mode ?? "")) {
    throw unsupported(
      service,
      "network_mode",
      "cannot join another replica, which may be replaced at any time",
      "Put both services on one network.",
    );
  }
}
