import { PlatformError } from "../lib/platform-error.ts";

/** The running configuration is newer than the one offered. */
export function versionRefused(offered: number, running: number): PlatformError {
  return new PlatformError(
    "EDGE_VERSION_REFUSED",
    `edge runs configuration ${running} and refuses the older ${offered}`,
    { hint: "Another control plane may steer this edge; only the one that holds the lease may." },
  );
}

/** The configuration contradicts itself; nothing of it was taken over. */
export function configInvalid(problems: readonly string[]): PlatformError {
  return new PlatformError("EDGE_CONFIG_INVALID", `edge configuration refused: ${problems.join("; ")}`, {
    hint: "The configuration in force was left as it was.",
  });
}

/** An address could not be opened; the old configuration stays in force. */
export function listenFailed(address: string, reason: string): PlatformError {
  return new PlatformError("EDGE_LISTEN_FAILED", `edge cannot listen on ${address}: ${reason}`, {
    hint: "Stop the program that uses the address (ss -ltnp shows it), or choose another port.",
  });
}

/** The edge process does not answer on its admin socket. */
export function edgeUnreachable(cause: unknown): PlatformError {
  return new PlatformError("EDGE_UNREACHABLE", "the edge process does not answer", {
    cause,
    hint: "Look at edge/edge.log in the home folder; traffic goes on if only the admin socket is gone.",
  });
}

/** The edge process ended or stayed silent while it was being started. */
export function edgeStartFailed(detail: string, cause?: unknown): PlatformError {
  return new PlatformError("EDGE_START_FAILED", `the edge process did not start: ${detail}`, {
    cause,
    hint: "Look at edge/edge.log in the home folder.",
  });
}

/** A worker did not confirm in time; the old configuration stays in force where it was not taken over. */
export function applyUnconfirmed(detail: string): PlatformError {
  return new PlatformError(
    "EDGE_APPLY_UNCONFIRMED",
    `the edge did not confirm the configuration: ${detail}`,
    {
      hint: "Apply again; look at edge/edge.log when it repeats.",
    },
  );
}

/** A fault that a test asked the memory driver for. */
export function injectedFault(): PlatformError {
  return new PlatformError("EDGE_INJECTED_FAULT", "the edge failed because a test asked for it");
}
