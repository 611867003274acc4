import { runtimeError } from "../../errors.ts";
import type { Launch } from "./launch.ts";
import { splitWords } from "./server-check.ts";

/**
 * `redis-server <what the service's command says>`, then our own address, port and folder, which win because Redis takes
 * the last. A password in the command also goes to the environment as REDISCLI_AUTH, for health checks and clients.
 */
export function redisCommand(
  launch: Launch,
  place: { program: string; folder: string; host: string; port: number },
): Launch {
  const given = plainCommand(launch);
  const [first = ""] = given;
  const isServer = /(^|\/)(redis|valkey)-server$/.test(first);
  if (!isServer && first !== "" && !first.startsWith("-") && !first.endsWith(".conf"))
    throw runtimeError("RUNTIME_UNSUPPORTED", `this Redis cannot be started by \`${given.join(" ")}\``, {
      hint: "Use `redis-server` with options as the command, or --runtime docker.",
    });
  const options = isServer ? given.slice(1) : given;
  const own = [
    "--bind",
    place.host,
    "--port",
    String(place.port),
    "--dir",
    place.folder,
    "--daemonize",
    "no",
  ];
  const password = options[options.indexOf("--requirepass") + 1];
  const hasPassword = options.includes("--requirepass") && password !== undefined;
  return {
    ...launch,
    argv: [place.program, ...options, ...own],
    cwd: place.folder,
    env: { ...launch.env, ...(hasPassword ? { REDISCLI_AUTH: password } : {}) },
  };
}

/** `sh -c "exec redis-server --requirepass $PASSWORD"` without its shell, so that our options can follow. */
function plainCommand(launch: Launch): readonly string[] {
  const [shell = "", flag = "", text = ""] = launch.argv;
  if (!/(^|\/)(ba|da|a)?sh$/.test(shell) || flag !== "-c") return launch.argv;
  const words = splitWords(text.replace(/^\s*exec\s+/, ""), launch.env);
  if (words) return words;
  throw runtimeError("RUNTIME_UNSUPPORTED", "this Redis needs a shell to be started", {
    hint: "Write the command as `redis-server` with options, or use --runtime docker.",
  });
}
