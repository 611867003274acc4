import type { ComposeService } from "../compose-model.ts";
import {
  buildSupport,
  configSupport,
  deploySupport,
  type KeySupport,
  secretSupport,
  serviceSupport,
  topLevelSupport,
} from "../support.ts";
import { composeServices, type LintRule } from "./rule.ts";

/** Keys that are not honoured: a warning where ignoring them is harmless, an error where it would change what runs. */
export const unsupportedKeys: LintRule = (context, tell) => {
  report(context.model, topLevelSupport, "");
  for (const [name, secret] of Object.entries(context.model.secrets))
    report(secret, secretSupport, `secrets.${name}`);
  for (const [name, config] of Object.entries(context.model.configs))
    report(config, configSupport, `configs.${name}`);
  for (const [name, compose] of composeServices(context)) {
    const base = `services.${name}`;
    report(compose, serviceSupport, base);
    report(compose.deploy, deploySupport, `${base}.deploy`);
    report(compose.build, buildSupport, `${base}.build`);
    for (const key of ["network_mode", "ipc", "pid"] as const) joined(compose, key, `${base}.${key}`);
  }

  function report(mapping: object | undefined, table: readonly KeySupport[], base: string): void {
    for (const { key, docker, note } of table) {
      const value = key.split(".").reduce<unknown>(child, mapping);
      // Another rule says more about the socket; the loader about the version.
      if (docker === "honoured" || isUnset(value) || key === "use_api_socket" || key === "version") continue;
      tell(docker === "refused" ? "error" : "warning", docker === "refused" ? "KEY_REFUSED" : "KEY_IGNORED", {
        path: base === "" ? key : `${base}.${key}`,
        message:
          docker === "refused"
            ? `${key} cannot be honoured, and the stack would run differently without it`
            : `${key} has no effect here`,
        ...(note === undefined ? {} : { fix: note }),
      });
    }
  }

  function joined(compose: ComposeService, key: "network_mode" | "ipc" | "pid", path: string): void {
    if (!/^(service|container):/.test(compose[key] ?? "")) return;
    tell("error", "KEY_REFUSED", {
      path,
      message: `${key} cannot join another replica, which may be replaced at any time`,
      fix: "put both services on one network, or run both programs in one service",
    });
  }
};

function child(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** What normalisation leaves where nothing was written, and values that mean the default. */
function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "" || value === "default")
    return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
