/** What may have caused it, the likeliest first; people decide (R-213). */
export type RootCause = { text: string; likelihood: "likely" | "possible"; proposals: readonly string[] };

export type CauseFacts = {
  service?: string;
  at: number;
  oomKilled?: boolean;
  exitCode?: number;
  memoryLimitBytes?: number;
  /** Used share of the fullest mount. */
  disk?: { mount: string; share: number };
  /** The last change of the stack before it. */
  deployment?: { kind: string; release?: string; at: number; by: string };
  restarts?: number;
  probe?: string;
};

const recentMs = 60 * 60_000;
const fullShare = 0.95;
const mega = 1024 * 1024;
const signals: Readonly<Record<number, string>> = {
  129: "SIGHUP",
  130: "SIGINT",
  132: "SIGILL",
  134: "SIGABRT: it ended itself, as after a failed assertion",
  135: "SIGBUS",
  136: "SIGFPE",
  137: "SIGKILL: from outside, or by the kernel",
  139: "SIGSEGV: it touched memory that is not its own",
  143: "SIGTERM: somebody asked it to end",
};

export function rootCauses(facts: CauseFacts): RootCause[] {
  return [...memory(facts), ...disk(facts), ...deployed(facts), ...exited(facts), ...silent(facts)];
}

function memory({ oomKilled, memoryLimitBytes }: CauseFacts): RootCause[] {
  if (oomKilled !== true) return [];
  const limit = memoryLimitBytes;
  const raise =
    limit === undefined
      ? "Set a memory limit that fits it (deploy.resources.limits.memory)"
      : `Increase memory limit to ${size(limit * 2)} (from ${size(limit)})`;
  return [
    {
      text: "OOM killer terminated process",
      likelihood: "likely",
      proposals: [raise, "Add memory monitoring alert", "Investigate memory leak in code"],
    },
  ];
}

function disk({ disk: fullest }: CauseFacts): RootCause[] {
  if (!fullest || fullest.share < fullShare) return [];
  const percent = Math.floor(fullest.share * 100);
  return [
    {
      text: `Disk full: ${fullest.mount} is at ${percent}%`,
      likelihood: "likely",
      proposals: [
        `Free or enlarge ${fullest.mount}`,
        "Find what fills it: logs, uploads, images, a database",
      ],
    },
  ];
}

function deployed({ deployment, at }: CauseFacts): RootCause[] {
  if (!deployment || at - deployment.at > recentMs || deployment.at > at) return [];
  const { kind, release, by } = deployment;
  const when = `${new Date(deployment.at).toISOString().slice(11, 16)} UTC`;
  return [
    {
      text: `Last change: ${kind}${release === undefined ? "" : ` of ${release}`} by ${by} at ${when}`,
      likelihood: "possible",
      proposals: ["Compare the release with the one before", "Add a test or smoke check that catches it"],
    },
  ];
}

function exited({ exitCode, oomKilled, service = "it" }: CauseFacts): RootCause[] {
  if (exitCode === undefined || oomKilled === true) return [];
  const signal = signals[exitCode];
  const why = signal === undefined ? "" : ` (${signal})`;
  return [
    {
      text: `Process ended with exit code ${exitCode}${why}`,
      likelihood: exitCode === 137 || exitCode === 143 ? "possible" : "likely",
      proposals: [`Read the last lines of ${service} before its end`],
    },
  ];
}

function silent({ probe, exitCode, oomKilled }: CauseFacts): RootCause[] {
  if (probe === undefined || exitCode !== undefined || oomKilled === true) return [];
  return [
    {
      text: `It ran but did not answer: ${probe}`,
      likelihood: "possible",
      proposals: ["Look for a blocked event loop, exhausted connections or a dependency that hangs"],
    },
  ];
}

function size(bytes: number): string {
  const megabytes = Math.round(bytes / mega);
  return megabytes % 1024 === 0 ? `${megabytes / 1024}GB` : `${megabytes}MB`;
}
