import { composeServices, type LintRule } from "./rule.ts";

const socket = /(^|\/)(docker|podman|containerd|crio)(\.raw)?\.sock$/;

/** Whoever has the engine's socket owns the machine; no hosted service gets it. */
export const engineSocket: LintRule = (context, tell) => {
  for (const [name, compose] of composeServices(context)) {
    for (const [index, mount] of (compose.volumes ?? []).entries()) {
      if (mount.type !== "bind" || !socket.test(mount.source ?? "")) continue;
      tell("error", "ENGINE_SOCKET_MOUNTED", {
        path: `services.${name}.volumes[${index}]`,
        message: `${mount.source} gives this service control of every container and of the machine`,
        fix: "remove it; updates, routing and logs are the platform's work here",
      });
    }
    if (compose.use_api_socket) {
      tell("error", "ENGINE_SOCKET_MOUNTED", {
        path: `services.${name}.use_api_socket`,
        message: "use_api_socket gives this service control of every container and of the machine",
        fix: "remove it",
      });
    }
  }
};
