import { ruleTree } from "./rules.ts";
import type { Value } from "./values.ts";

export type Cast = "integer" | "number" | "boolean";

/** Where text that came out of interpolation (or was quoted) is turned into the type that the key has. */
export const castRules = ruleTree<Cast>({
  "services.*.cpu_count": "integer",
  "services.*.cpu_percent": "number",
  "services.*.cpu_period": "integer",
  "services.*.cpu_quota": "integer",
  "services.*.cpu_rt_period": "integer",
  "services.*.cpu_rt_runtime": "integer",
  "services.*.cpus": "number",
  "services.*.cpu_shares": "integer",
  "services.*.init": "boolean",
  "services.*.deploy.replicas": "integer",
  "services.*.deploy.update_config.parallelism": "integer",
  "services.*.deploy.update_config.max_failure_ratio": "number",
  "services.*.deploy.rollback_config.parallelism": "integer",
  "services.*.deploy.rollback_config.max_failure_ratio": "number",
  "services.*.deploy.restart_policy.max_attempts": "integer",
  "services.*.deploy.placement.max_replicas_per_node": "integer",
  "services.*.healthcheck.retries": "integer",
  "services.*.healthcheck.disable": "boolean",
  "services.*.oom_kill_disable": "boolean",
  "services.*.oom_score_adj": "integer",
  "services.*.pids_limit": "integer",
  "services.*.ports.*.target": "integer",
  "services.*.privileged": "boolean",
  "services.*.read_only": "boolean",
  "services.*.scale": "integer",
  "services.*.stdin_open": "boolean",
  "services.*.tty": "boolean",
  "services.*.ulimits.*": "integer",
  "services.*.ulimits.*.hard": "integer",
  "services.*.ulimits.*.soft": "integer",
  "services.*.volumes.*.read_only": "boolean",
  "services.*.volumes.*.volume.nocopy": "boolean",
  "networks.*.external": "boolean",
  "networks.*.internal": "boolean",
  "networks.*.attachable": "boolean",
  "networks.*.enable_ipv4": "boolean",
  "networks.*.enable_ipv6": "boolean",
  "volumes.*.external": "boolean",
  "secrets.*.external": "boolean",
  "configs.*.external": "boolean",
});

const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  y: true,
  yes: true,
  on: true,
  false: false,
  n: false,
  no: false,
  off: false,
};

/** `undefined` when the text is no such value. */
export function castText(cast: Cast, text: string): Value | undefined {
  switch (cast) {
    case "integer":
      return /^[-+]?\d+$/.test(text) ? Number(text) : undefined;
    case "number": {
      const number = text.trim() === "" ? Number.NaN : Number(text);
      return Number.isFinite(number) ? number : undefined;
    }
    case "boolean":
      return Object.hasOwn(booleans, text.toLowerCase()) ? booleans[text.toLowerCase()] : undefined;
  }
}
