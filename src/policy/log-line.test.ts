import { describe, expect, it } from "vitest";
import { levelOfLine, normalisedMessage, requestIdOfLine } from "./log-line.ts";

describe("a log line", () => {
  it.each([
    ['{"level":50,"time":1,"msg":"db gone"}', "error"],
    ['{"level":30,"msg":"ERROR is only a word here"}', "info"],
    ['{"time":1,"level":"warn","message":"slow"}', "warn"],
    ['{"severity":"CRITICAL","message":"x"}', "fatal"],
    ["2026-01-02T03:04:05Z ERROR payment::charge declined", "error"],
    ["2026-01-02 03:04:05.123 UTC [42] FATAL:  password authentication failed", "fatal"],
    ["2026-01-02 03:04:05.123 UTC [42] LOG:  checkpoint starting", "info"],
    ["2026/01/02 03:04:05 [error] 7#7: *1 open() failed", "error"],
    ["time=2026 level=warning msg=slow", "warn"],
    ["\u001b[31mERROR\u001b[0m it broke", "error"],
    ["TypeError: x is not a function", "error"],
    ["Uncaught ReferenceError: y", "error"],
    ["error: unknown option", "error"],
    ["[Nest] 17  - LOG [Bootstrap] up", "info"],
    ["WARN  slow query", "warn"],
    ["no errors found", undefined],
    ["    at handler (/app/x.js:1:2)", undefined],
    ["listening on 3000", undefined],
    ["", undefined],
  ])("gives its level: %s", (line, level) => {
    expect(levelOfLine(line)).toBe(level);
  });

  it.each([
    ['{"level":30,"requestId":"abc-123456","msg":"x"}', "abc-123456"],
    ['{"req":{"x-request-id":"0f3a9c2b"}}', "0f3a9c2b"],
    ["request_id=abc123def done", "abc123def"],
    ["X-Request-Id: 65f1-77", "65f1-77"],
    ["the request identity is unknown", undefined],
  ])("gives the id of its request: %s (R-240)", (line, id) => {
    expect(requestIdOfLine(line)).toBe(id);
  });

  it.each([
    [
      "2026-01-02T03:04:05.6Z ERROR order 42 of user 7 failed after 120ms",
      "ERROR order 43 of user 9 failed after 7ms",
    ],
    [
      '{"level":50,"time":1,"msg":"charge failed","err":{"message":"timeout of 3000 ms"}}',
      '{"level":50,"time":9,"err":{"message":"timeout of 5000 ms"},"msg":"charge failed"}',
    ],
    ["connect ECONNREFUSED 10.0.0.4:5432", "connect ECONNREFUSED 10.0.0.19:5433"],
    ["job 65f1c2d3e4b5a6978812 lost", "job 11f1c2d3e4b5a69788aa lost"],
    ["cannot read 'a b' of \"x\"", "cannot read 'c' of \"zzz\""],
  ])("is the same fault as another: %s", (one, other) => {
    const strip = (text: string) => normalisedMessage(text).replace(/^<time> /, "");
    expect(strip(one)).toBe(strip(other));
  });

  it("is not the same fault as one with other words", () => {
    expect(normalisedMessage("order 1 failed")).not.toBe(normalisedMessage("order 1 lost"));
  });
});
