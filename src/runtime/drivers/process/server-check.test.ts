import { describe, expect, it } from "vitest";
import { readServerCheck } from "./server-check.ts";

const environment = {
  POSTGRES_USER: "shop",
  POSTGRES_DB: "orders",
  REDIS_PASSWORD: "s3 cret",
  REDISCLI_AUTH: "own",
};
const shell = (text: string) => ({ argv: [text], shell: true });
const plain = (...argv: string[]) => ({ argv, shell: false });

describe("health checks of database images", () => {
  it.each([
    [shell("pg_isready -U app -d data"), "app", "data"],
    [shell("pg_isready"), "shop", "orders"],
    [shell("pg_isready -U $POSTGRES_USER || exit 1"), "shop", "orders"],
    [shell(`pg_isready -U "\${POSTGRES_USER}" -d "$POSTGRES_DB"`), "shop", "orders"],
    [shell("/usr/bin/pg_isready --username=app"), "app", "orders"],
    [plain("pg_isready", "-U", "app"), "app", "orders"],
  ])("%j asks PostgreSQL", (probe, user, database) => {
    expect(readServerCheck("postgres", probe, environment)).toEqual({ kind: "postgres", user, database });
  });

  it.each([
    [plain("redis-cli", "ping"), "own"],
    [plain("redis-cli", "-a", "x", "ping"), "x"],
    [shell("redis-cli -a $REDIS_PASSWORD ping"), "s3 cret"],
    [shell("redis-cli --pass=x --no-auth-warning ping | grep PONG"), "x"],
    [shell("valkey-cli PING || exit 1"), "own"],
  ])("%j asks Redis (R-161)", (probe, password) => {
    expect(readServerCheck("redis", probe, environment)).toEqual({
      kind: "redis",
      user: undefined,
      password,
    });
  });

  it.each([
    ["postgres" as const, shell("pg_isready && psql -c 'select 1'")],
    ["postgres" as const, shell("psql -U app -c 'select 1'")],
    ["postgres" as const, shell("pg_isready -U $(whoami)")],
    ["redis" as const, plain("redis-cli", "info")],
    ["redis" as const, plain("pg_isready")],
    ["snapshot" as const, shell("pg_isready -U app")],
  ])("%s: %j is run as it is written", (kind, probe) => {
    expect(readServerCheck(kind, probe, environment)).toBeUndefined();
  });
});
