import { readdirSync, readFileSync } from "node:fs";

/** The most memory that this process, and the programs called `name` that it has started, held at once. */
export async function withPeakMemory<T>(
  name: string,
  work: () => Promise<T>,
): Promise<{ value: T; mib: number }> {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, process.memoryUsage().rss + childrenBytes(name));
  };
  const timer = setInterval(look, 200);
  try {
    look();
    const value = await work();
    look();
    return { value, mib: peak / 1024 ** 2 };
  } finally {
    clearInterval(timer);
  }
}

function childrenBytes(name: string): number {
  let bytes = 0;
  for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const isMine = status.includes(`Name:\t${name}\n`) && status.includes(`PPid:\t${process.pid}\n`);
      if (isMine) bytes += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      // It ended meanwhile.
    }
  }
  return bytes;
}
