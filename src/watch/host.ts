import { X509Certificate } from "node:crypto";
import { readdir, readFile, statfs } from "node:fs/promises";
import { hostname } from "node:os";
import type { Certificate } from "../edge/port.ts";
import type { Sample } from "../telemetry/port.ts";
import type { Gauge } from "./parts.ts";

const sectorBytes = 512;

/** CPU, memory, file systems and disks of this host, from the kernel's own counters. */
export function hostUse(home: string): Gauge {
  const labels = { host: hostname() };
  let before: { idle: number; total: number } | undefined;
  return {
    name: "host",
    async read() {
      const [stat, loads, memory, disks] = await Promise.all([
        readFile("/proc/stat", "utf8"),
        readFile("/proc/loadavg", "utf8"),
        readFile("/proc/meminfo", "utf8"),
        diskBytes(),
      ]);
      const now = cpuTimes(stat);
      const share = before && now.total > before.total ? busyShare(before, now) : undefined;
      before = now;
      const total = kibibytes(memory, "MemTotal");
      return [
        ...(share === undefined ? [] : [{ metric: "host.cpu", labels, value: share } as const]),
        { metric: "host.load", labels, value: Number(loads.split(" ")[0]) },
        { metric: "host.memory", labels, value: total - kibibytes(memory, "MemAvailable") },
        { metric: "host.memory_total", labels, value: total },
        { metric: "host.disk_read", labels, value: disks.read },
        { metric: "host.disk_write", labels, value: disks.written },
        ...(await fileSystems(home, labels.host)),
      ];
    },
  };
}

/** The first line: user, nice, system, idle, iowait, irq, softirq, steal in ticks (proc(5)). */
function cpuTimes(stat: string): { idle: number; total: number } {
  const times = stat.slice(0, stat.indexOf("\n")).trim().split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = 0, waiting = 0] = times;
  return { idle: idle + waiting, total: times.reduce((sum, time) => sum + time, 0) };
}

function busyShare(before: { idle: number; total: number }, now: { idle: number; total: number }): number {
  const share = 1 - (now.idle - before.idle) / (now.total - before.total);
  return Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000;
}

function kibibytes(meminfo: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
}

/** Whole disks only: what a partition or a mapped volume moves, its disk moves too. */
async function diskBytes(): Promise<{ read: number; written: number }> {
  const text = await readFile("/proc/diskstats", "utf8");
  const blocks = await readdir("/sys/block").catch(() => []);
  const disks = new Set(blocks.filter((name) => !/^(loop|ram|zram|dm-|md|sr)/.test(name)));
  const sum = { read: 0, written: 0 };
  for (const line of text.split("\n")) {
    const [, , name = "", , , sectorsRead = "0", , , , sectorsWritten = "0"] = line.trim().split(/\s+/);
    if (!disks.has(name)) continue;
    sum.read += Number(sectorsRead) * sectorBytes;
    sum.written += Number(sectorsWritten) * sectorBytes;
  }
  return sum;
}

async function fileSystems(home: string, host: string): Promise<Sample[]> {
  const samples: Sample[] = [];
  const seen = new Set<string>();
  for (const mount of ["/", home]) {
    const { bsize, blocks, bavail, bfree, files } = await statfs(mount);
    // The same file system under two paths is shown once.
    const same = `${bsize} ${blocks} ${bfree} ${files}`;
    if (seen.has(same)) continue;
    seen.add(same);
    const labels = { host, mount };
    samples.push({ metric: "host.disk", labels, value: (blocks - bfree) * bsize });
    // As df counts: what is kept for root can't be filled.
    samples.push({ metric: "host.disk_total", labels, value: (blocks - bfree + bavail) * bsize });
  }
  return samples;
}

/** What the control plane itself takes. */
export function ownUse(now: () => number): Gauge {
  const labels = { host: hostname() };
  let before: { at: number; micros: number } | undefined;
  return {
    name: "control plane",
    read() {
      const { user, system } = process.cpuUsage();
      const at = now();
      const cpu =
        before && at > before.at ? (user + system - before.micros) / 1000 / (at - before.at) : undefined;
      before = { at, micros: user + system };
      return [
        ...(cpu === undefined
          ? []
          : [{ metric: "platform.cpu", labels, value: Math.round(cpu * 10_000) / 10_000 } as const]),
        { metric: "platform.memory", labels, value: process.memoryUsage.rss() },
      ];
    },
  };
}

/** When the certificates of the edge end. They don't change while the process lives: read once. */
export function certificateEnds(certificates: readonly Certificate[]): Gauge {
  const samples: Sample[] = certificates.map(({ hosts, certificate }) => ({
    metric: "certificate.expires",
    labels: { host: hosts[0] ?? "" },
    value: Math.floor(new X509Certificate(certificate).validToDate.getTime() / 1000),
  }));
  return { name: "certificates", read: () => samples };
}
