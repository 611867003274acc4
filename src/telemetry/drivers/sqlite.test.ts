import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { telemetryConformance } from "../conformance.ts";
import type { Telemetry } from "../port.ts";
import { openSqliteTelemetry } from "./sqlite.ts";

const root = mkdtempSync(join(tmpdir(), "roadstead-telemetry-"));
const paths = new Map<Telemetry, string>();
let count = 0;
afterAll(() => rmSync(root, { recursive: true }));

function freshPath(): string {
  count += 1;
  return join(root, `${count}.db`);
}

function open(path: string): Telemetry {
  const telemetry = openSqliteTelemetry(path);
  paths.set(telemetry, path);
  return telemetry;
}

telemetryConformance("sqlite", {
  make: () => open(freshPath()),
  reopen: (telemetry, how) => {
    const path = paths.get(telemetry) ?? "";
    if (how === "close") {
      telemetry.close();
      return open(path);
    }
    // The files as they lie there at this moment are what a killed process leaves.
    const copy = freshPath();
    for (const suffix of ["", "-wal"])
      if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
    return open(copy);
  },
});

describe("the telemetry file", () => {
  it("is for its owner alone, and is not opened when a newer version wrote it", () => {
    const path = freshPath();
    open(path).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    expect(() => open(path)).toThrow(expect.objectContaining({ code: "TELEMETRY_NEWER_SCHEMA" }));
  });
});
