import { describe, expect, it } from "vitest";
import { loadStack } from "./load-stack.ts";

function load(service: string, environmentName = "production", name = "web") {
  const text = `services:\n  ${name}: ${service}\n`;
  const file = "/project/compose.yaml";
  const loaded = loadStack({
    composeFiles: [file],
    projectDirectory: "/project",
    environment: {},
    profiles: [],
    environmentName,
    readText: (path) => (path === file ? text : undefined),
  });
  const told = loaded.problems.filter(({ code }) => code.startsWith("UPDATE") || code === "INVALID_SETTING");
  return { update: loaded.stack?.services[0]?.update, told };
}

const label = 'labels: {com.centurylinklabs.watchtower.enable: "true"}';

describe("which services are updated by themselves", () => {
  it.each([
    ["no service that does not ask (R-149)", "{image: acme/web:1.4.2}", undefined],
    [
      "a labelled one by its version (R-149)",
      `{image: acme/web:1.4.2, ${label}}`,
      { channel: { kind: "patch" }, everySeconds: 300 },
    ],
    [
      "the short label as well (R-149)",
      "{image: acme/web:1.4.2, labels: [watchtower.enable=true]}",
      { channel: { kind: "patch" }, everySeconds: 300 },
    ],
    [
      "not with the label set to false",
      "{image: acme/web:1.4.2, labels: [watchtower.enable=false]}",
      undefined,
    ],
    ["no database by a label", `{image: "postgres:16.3", ${label}}`, undefined],
    ["nothing that is built here", `{build: ., image: acme/web:1.4.2, ${label}}`, undefined],
    [
      "as written (R-150, R-153, R-154)",
      "{image: acme/web:1.4.2, x-roadstead: {update: {channel: minor, every: 30s, allow: [acme/*]}}}",
      { channel: { kind: "minor" }, everySeconds: 30, allow: ["acme/*"] },
    ],
    [
      "a moving tag that is named (R-153)",
      "{image: acme/web, x-roadstead: {update: {channel: 'tag:latest'}}}",
      { channel: { kind: "tag", tag: "latest" }, everySeconds: 300 },
    ],
    [
      "a digest stays",
      `{image: "acme/web@sha256:${"a".repeat(64)}", x-roadstead: {update: {}}}`,
      { channel: { kind: "pinned" }, everySeconds: 300 },
    ],
  ])("%s", (_name, service, expected) => {
    const { update, told } = load(service);
    expect(told).toEqual([]);
    expect(update).toEqual(expected);
  });

  it("a moving tag in production is refused with both remedies (R-153)", () => {
    const { told } = load("{image: acme/web:latest, x-roadstead: {update: {every: 1m}}}");
    expect(told).toMatchObject([{ severity: "error", code: "UPDATE_MOVING_TAG" }]);
    expect(told[0]?.fix).toContain("channel: patch");
    expect(told[0]?.fix).toContain('channel: "tag:latest"');
  });

  it("a label on a moving tag in production is not followed, and the stack still deploys (R-153)", () => {
    const { update, told } = load(`{image: acme/web:latest, ${label}}`);
    expect(told).toMatchObject([{ severity: "warning", code: "UPDATE_MOVING_TAG" }]);
    expect(update).toBeUndefined();
  });

  it("elsewhere a label on a moving tag is followed (R-149)", () => {
    expect(load(`{image: acme/web:latest, ${label}}`, "staging")).toEqual({
      update: { channel: { kind: "tag", tag: "latest" }, everySeconds: 300 },
      told: [],
    });
  });

  it.each([
    ["{build: ., x-roadstead: {update: {}}}", "UPDATE_WITHOUT_IMAGE"],
    ["{image: acme/web:main-abc1234, x-roadstead: {update: {channel: patch}}}", "UPDATE_WITHOUT_VERSION"],
    ["{image: acme/web:1.0.0, x-roadstead: {update: {channel: newest}}}", "INVALID_SETTING"],
    ["{image: acme/web:1.0.0, x-roadstead: {update: {every: 0s}}}", "INVALID_SETTING"],
    ["{image: acme/web:1.0.0, x-roadstead: {update: {allow: []}}}", "INVALID_SETTING"],
  ])("%s is refused", (service, code) => {
    expect(load(service).told).toMatchObject([{ severity: "error", code }]);
  });
});
