import { describe, expect, it } from "vitest";
import { budgetText, connectionBudgets } from "./connection-budget.ts";
import { loadStack } from "./load-stack.ts";

function load(text: string) {
  return loadStack({
    composeFiles: ["/p/compose.yaml"],
    projectDirectory: "/p",
    environment: {},
    profiles: [],
    environmentName: "production",
    readText: (path) => (path === "/p/compose.yaml" ? text : undefined),
  });
}

const file = ({ replicas = 1, pool = "DATABASE_POOL_SIZE: 10", database = "" } = {}) => `name: shop
services:
  api:
    image: acme/api:1.0.0
    environment: {DATABASE_URL: "postgres://u:p@db:5432/shop", ${pool}}
    expose: [3000]
    deploy: {replicas: ${replicas}}
    x-roadstead: {kind: web, strategy: blue-green}
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: x}
    ${database}
`;
const refusals = (text: string) =>
  load(text).problems.flatMap((problem) => (problem.code === "CONNECTIONS_EXCEEDED" ? [problem] : []));

describe("the budget of database connections (R-093)", () => {
  it("refuses ten replicas with ten connections in two releases on a server for a hundred, with the sum", () => {
    const [refusal] = refusals(file({ replicas: 10 }));
    expect(refusal).toMatchObject({ severity: "error", path: "services.db" });
    expect(refusal?.message).toContain(
      "may open 200 connections to db, which gives 97: api 10 × 10 × 2 = 200",
    );
    expect(refusals(file({ replicas: 4 }))).toEqual([]);
  });

  it.each([
    ["command: [postgres, -c, max_connections=300]", 297],
    ["command: postgres -c max_connections=50", 47],
    ["x-roadstead: {connections: 210}", 207],
  ])("reads what the server accepts from %s", (database, available) => {
    const { stack } = load(file({ database }));
    expect(stack && connectionBudgets(stack)).toMatchObject([{ database: "db", available, needed: 20 }]);
  });

  it.each([
    ["DB_POOL_MAX: 7", 7],
    ["DATABASE_POOL: '4'", 4],
    ['PRISMA_URL: "postgres://db/x?schema=a&connection_limit=3"', 3],
  ])("knows the pool from %s", (pool, expected) => {
    const { stack } = load(file({ pool }));
    expect(stack && connectionBudgets(stack)[0]?.clients).toMatchObject([{ service: "api", pool: expected }]);
  });

  it("says nothing of services whose pools nobody has written down, or that use another database", () => {
    expect(connectionBudgets(load(file({ pool: "A: b" })).stack ?? { services: [] })).toEqual([]);
    const elsewhere = file().replace("@db:5432", "@db.example.com:5432");
    expect(connectionBudgets(load(elsewhere).stack ?? { services: [] })).toEqual([]);
  });

  it("counts a service that is replaced once, one that runs beside itself twice", () => {
    const text = file().replace("strategy: blue-green", "strategy: recreate, connections: 12");
    const [budget] = connectionBudgets(load(text).stack ?? { services: [] });
    expect(budget && budgetText(budget)).toBe("api 12 × 1 × 1 = 12");
  });
});
