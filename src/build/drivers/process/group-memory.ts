import { readdirSync, readFileSync } from "node:fs";

const pageBytes = 4096;

/** Resident memory of all processes of a group in bytes, from /proc (proc(5): fields 5 pgrp and 24 rss of stat). */
export function groupMemory(group: number): number {
  let pages = 0;
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "latin1");
      // The program's name, field 2, may hold blanks and brackets.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(fields[2]) === group) pages += Number(fields[21]);
    } catch {
      // It ended while we looked.
    }
  }
  return pages * pageBytes;
}
