import { defineConfig } from "vitest/config";

/**
 * unit: no Docker, no network, no sleep, under ten seconds. drivers: real components on this machine
 * (sockets, child processes, Docker, HAProxy). e2e: the whole product through its CLI. browser: the
 * dashboard in a real one. stacks: the five
 * reference stacks of stacks/ up together. journeys: each of them through its whole story, most of an hour. `npm test` leaves the last two out.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/*.test.ts", "web/src/**/*.test.ts"],
          exclude: ["**/*.real.test.ts", "**/node_modules/**"],
          // Nothing here changes the process or a module: loading everything again for each file took most of the time.
          isolate: false,
        },
      },
      {
        test: {
          name: "drivers",
          include: ["src/**/*.real.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "stacks",
          include: ["test/stacks/all.test.ts", "test/stacks/stand-ins.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "journeys",
          include: ["test/stacks/**/*.test.ts"],
          exclude: ["test/stacks/all.test.ts", "test/stacks/stand-ins.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
