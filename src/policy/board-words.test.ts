import { describe, expect, it } from "vitest";
import { componentOf, errorRateWord, latencyWord, requestRateWord, servicesWord } from "./board-words.ts";

describe("the words of the first page", () => {
  it("calls the services healthy with warnings, and red only when one is down (R-169)", () => {
    expect(servicesWord({ down: 0, total: 39 })).toEqual({ state: "healthy", word: "Healthy" });
    expect(servicesWord({ down: 1, total: 39 })).toEqual({ state: "critical", word: "1 down" });
    expect(servicesWord({ down: 0, total: 0 }).state).toBe("unknown");
  });

  it.each([
    [undefined, undefined, "Not measured"],
    [1234, undefined, "Normal"],
    [40, 10, "High"],
    [30, 10, "Normal"],
    [0.9, 10, "Low"],
    [0, 0.2, "Normal"],
  ])("calls %s req/s against %s %s (R-170)", (rate, baseline, word) => {
    expect(requestRateWord(rate, baseline).word).toBe(word);
  });

  it.each([
    [0.002, "healthy"],
    [0.00999, "healthy"],
    [0.01, "warning"],
    [0.05, "warning"],
    [0.0501, "critical"],
  ])("an error share of %s is %s (R-171)", (share, state) => {
    expect(errorRateWord(share).state).toBe(state);
  });

  it.each([
    [450, "Fast"],
    [499.9, "Fast"],
    [500, "Slow"],
    [1000, "Very slow"],
  ])("%s ms is %s (R-172)", (ms, word) => {
    expect(latencyWord(ms).word).toBe(word);
  });

  it.each([
    ["mana-core-auth", "web", true, "backend"],
    ["chat-backend", "web", true, "backend"],
    ["chat-web", "web", true, "web"],
    ["chat-landing", "static", true, "landing"],
    ["site", "static", true, "landing"],
    ["worker", "worker", false, "backend"],
    ["shop", "web", true, "web"],
    ["inner", "web", false, "backend"],
    ["db", "database", false, undefined],
    ["migrate", "job", false, undefined],
  ])("%s (%s) is a %s component (R-174)", (name, kind, routed, column) => {
    expect(componentOf({ name, kind, routed })).toBe(column);
  });
});
