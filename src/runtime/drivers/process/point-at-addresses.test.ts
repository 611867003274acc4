import { describe, expect, it } from "vitest";
import { pointAtAddresses } from "./point-at-addresses.ts";

const book = new Map([
  ["api", "127.64.0.1"],
  ["db", "127.64.0.2"],
  ["cache", "127.64.0.3"],
  ["kafka-1", "127.64.0.4"],
  ["node", "127.64.0.5"],
  ["redis", "127.64.0.6"],
]);

describe("configuration values that name a service (R-114)", () => {
  it.each([
    ["API_URL", "http://api:3000", "http://127.64.0.1:3000"],
    ["API_URL", "http://api", "http://127.64.0.1"],
    [
      "API_URL",
      "http://api:3000/v1?next=http%3A%2F%2Fapi",
      "http://127.64.0.1:3000/v1?next=http%3A%2F%2Fapi",
    ],
    ["DATABASE_URL", "postgres://u:p@db:5432/app", "postgres://u:p@127.64.0.2:5432/app"],
    [
      "DATABASE_URL",
      "postgres://db:db@db/db?sslmode=disable",
      "postgres://db:db@127.64.0.2/db?sslmode=disable",
    ],
    ["DATABASE_URL", "postgres://u:p%40db@db:5432/db", "postgres://u:p%40db@127.64.0.2:5432/db"],
    ["DATABASE_URL", "postgres://u:p@ss@db:5432/db", "postgres://u:p@ss@127.64.0.2:5432/db"],
    ["JDBC", "jdbc:postgresql://db:5432/app", "jdbc:postgresql://127.64.0.2:5432/app"],
    ["REDIS_URL", "redis://cache:6379", "redis://127.64.0.3:6379"],
    ["REDIS_URL", "redis://:secret@cache:6379/0", "redis://:secret@127.64.0.3:6379/0"],
    ["MONGO", "mongodb://u:p@db:1,cache:2/x?r=s", "mongodb://u:p@127.64.0.2:1,127.64.0.3:2/x?r=s"],
    ["PEERS", "http://api:1,http://db:2", "http://127.64.0.1:1,http://127.64.0.2:2"],
    ["PEERS", "http://api:1, http://other:2", "http://127.64.0.1:1, http://other:2"],
    ["UPSTREAM", "db:5432", "127.64.0.2:5432"],
    ["BROKERS", "kafka-1:9092,elsewhere:9092", "127.64.0.4:9092,elsewhere:9092"],
    ["DB_HOST", "db", "127.64.0.2"],
    ["PGHOST", "db", "127.64.0.2"],
    ["REDIS_HOSTNAME", "cache", "127.64.0.3"],
    ["SMTP_SERVER", "api", "127.64.0.1"],
    ["NODES_HOSTS", "api,db", "127.64.0.1,127.64.0.2"],
    ["DSN", "host=db port=5432 dbname=db", "host=127.64.0.2 port=5432 dbname=db"],
    ["DSN", "Server=db;Database=db;User=db", "Server=127.64.0.2;Database=db;User=db"],
    ["DSN", "postgres:///app?host=db&user=db", "postgres:///app?host=127.64.0.2&user=db"],
    ["APP_SECRET_URL", "https://api/token", "https://127.64.0.1/token"],
    ["", "--upstream=http://api:3000/", "--upstream=http://127.64.0.1:3000/"],
  ])("%s=%s points at the address", (variable, value, pointed) => {
    expect(pointAtAddresses(variable, value, book)).toBe(pointed);
  });

  it.each([
    ["API_URL", "https://api.example.com/v1"],
    ["API_URL", "https://example.com/api"],
    ["API_URL", "https://example.com:443/?to=db:5432"],
    ["API_URL", "http://api2:3000"],
    ["API_URL", "http://my-api:3000"],
    ["DATABASE_URL", "postgres://db:db@localhost:5432/db"],
    ["POSTGRES_DB", "db"],
    ["POSTGRES_USER", "api"],
    ["SERVICE_NAME", "api"],
    ["NODE_ENV", "node"],
    ["REDIS_IMAGE", "redis:7"],
    ["BASE_TAG", "node:24"],
    ["ADMIN_PASSWORD", "api:1234"],
    ["BASIC_AUTH", "api:1234"],
    ["API_TOKEN", "db:5432"],
    ["HOST", "api"],
    ["HOSTNAME", "api"],
    ["MODE", "api,worker"],
    ["NOTE", "ask api: 3000 times"],
    ["ADMIN_EMAIL", "root@db"],
    ["PATHS", "/api:/db"],
    ["PORTS", "api=3000"],
    ["RATIO", "api:db"],
    ["", "api"],
  ])("%s=%s stays as it is", (variable, value) => {
    expect(pointAtAddresses(variable, value, book)).toBe(value);
  });

  it("does nothing without addresses", () => {
    expect(pointAtAddresses("DB_HOST", "db", new Map())).toBe("db");
  });
});
