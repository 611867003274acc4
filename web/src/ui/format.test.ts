import { describe, expect, it } from "vitest";
import { ago, millis, percent, rate, segments, span } from "./format.ts";

describe("numbers as the board writes them", () => {
  it.each([
    [1234, "1,234 req/s"],
    [0, "0 req/s"],
    [2.34, "2.3 req/s"],
  ])("%s requests per second are %s (R-170)", (value, text) => {
    expect(rate(value)).toBe(text);
  });

  it.each([
    [0.002, "0.2%"],
    [1, "100%"],
    [0.985, "98.5%"],
    [0, "0%"],
  ])("a share of %s is %s (R-171)", (share, text) => {
    expect(percent(share)).toBe(text);
  });

  it.each([
    [45, 5],
    [60, 6],
    [30, 3],
    [44.9, 4],
    [0, 0],
    [250, 10],
  ])("%s fills %s of ten segments (R-179)", (value, filled) => {
    expect(segments(value)).toBe(filled);
  });

  it("names durations and ages by their largest units", () => {
    expect([millis(450), span(840), span(34_000), span(240_000)]).toEqual([
      "450 ms",
      "840 ms",
      "34 s",
      "4 min",
    ]);
    expect([span(659_600), span(10_799_000)]).toEqual(["11 min", "3 h"]);
    expect([ago(0, 5000), ago(0, 240_000), ago(60_000, 0)]).toEqual(["just now", "4 min ago", "in 1 min"]);
  });
});
