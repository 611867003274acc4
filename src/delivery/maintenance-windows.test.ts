import { expect, it } from "vitest";
import { isFrozen } from "../delivery/freeze.ts";
import type { ReleaseId } from "../rollout/ids.ts";
import { loadStack } from "../stack/load-stack.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import { aRelease, shop } from "../store/store-support.ts";
import { maintenanceWindows } from "./gate-settings.ts";
import { ReleasedWindows } from "./released-windows.ts";

const text = `name: shop
services: {web: {image: "acme/web:1.4.2"}}
x-roadstead: {pipeline: {maintenance: [{days: [tue], from: "02:00", to: "04:00"}]}}
`;

function load(environmentName: string) {
  return loadStack({
    composeFiles: ["/project/compose.yaml"],
    projectDirectory: "/project",
    environment: {},
    profiles: [],
    environmentName,
    readText: (path) => (path === "/project/compose.yaml" ? text : undefined),
  });
}

it("keeps auto-update of production to the windows of the stack file (R-156)", () => {
  const { model } = load("production");
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

it("reads the windows of a release once, and those of the next one (R-156)", () => {
  const store = createMemoryStore();
  let loaded = 0;
  const windows = new ReleasedWindows({
    store,
    load: (_bundle, environment) => {
      loaded += 1;
      return load(environment);
    },
  });
  expect(windows.of(shop), "without a release").toEqual([]);
  for (const id of ["one", "two"]) {
    store.releases.create(aRelease(id));
    store.scopes.update(shop, (state) => ({ ...state, current: id as ReleaseId }));
    for (let i = 0; i < 3; i += 1) expect(windows.of(shop)).toMatchObject([{ days: [2] }]);
  }
  expect(loaded).toBe(2);
});
