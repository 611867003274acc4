import { expect, it } from "vitest";
import { isFrozen } from "../delivery/freeze.ts";
import { loadStack } from "../stack/load-stack.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import { maintenanceWindows } from "./gate-settings.ts";

const text = `name: shop
services: {web: {image: "acme/web:1.4.2"}}
x-roadstead: {pipeline: {maintenance: [{days: [tue], from: "02:00", to: "04:00"}]}}
`;

it("keeps auto-update of production to the windows of the stack file (R-156)", () => {
  const { model } = loadStack({
    composeFiles: ["/project/compose.yaml"],
    projectDirectory: "/project",
    environment: {},
    profiles: [],
    environmentName: "production",
    readText: (path) => (path === "/project/compose.yaml" ? text : undefined),
  });
  const closed = (environment: string, at: string) =>
    isFrozen(
      createMemoryStore(),
      { stack: "shop", environment },
      Date.parse(at),
      maintenanceWindows(model, environment),
    );
  expect(closed("production", "2026-11-24T03:00:00Z"), "a Tuesday").toBeUndefined();
  expect(closed("production", "2026-11-24T05:00:00Z")?.why).toContain("maintenance");
  expect(closed("staging", "2026-11-24T05:00:00Z")).toBeUndefined();
});
