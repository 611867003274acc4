import { describe, expect, it } from "vitest";
import type { ServedRequest } from "../edge/port.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import { MemoryLogStore } from "../logs/drivers/memory.ts";
import { defaultAccess } from "./access-sampler.ts";
import { AccessCollector } from "./collect-access.ts";
import { PrintingHost } from "./collector-support.ts";
import { defaultLimits } from "./line-budget.ts";

const request: ServedRequest = {
  ...{ at: 1_700_000_000_000, method: "GET", host: "shop.test", path: "/cart", status: 200, ms: 12.4 },
  ...{
    backend: "shop/production/web:3000",
    target: "shop-production-web-abcdef0123-1:3000",
    requestId: "r-1",
  },
};

async function kept(...requests: Partial<ServedRequest>[]) {
  const logs = new MemoryLogStore();
  const parts = {
    ...{
      runtime: new PrintingHost(),
      logs,
      clock: new ManualClock(),
      limits: defaultLimits,
      access: defaultAccess,
    },
    mask: (_scope: unknown, text: string) => text.replaceAll("hunter22", "***"),
    log: () => undefined,
  };
  const access = new AccessCollector(parts, () => "rel_1");
  for (const changes of requests) access.take({ ...request, ...changes });
  return (await logs.search({ limit: 5000 }, AbortSignal.timeout(1000))).lines;
}

describe("the edge's requests as log lines", () => {
  it("say what was asked, of whom, and how it went (R-237, R-240)", async () => {
    expect(await kept({})).toMatchObject([
      {
        ...{ scope: { stack: "shop", environment: "production" }, service: "web", release: "rel_1" },
        ...{ replica: "shop-production-web-abcdef0123-1", stream: "access", level: "info", requestId: "r-1" },
        text: "GET shop.test/cart 200 12 ms",
      },
    ]);
  });

  it("keep errors and slow ones, and of a flood one of many, which the line says (R-237)", async () => {
    const flood = Array.from({ length: 1020 }, () => ({}));
    const lines = await kept(...flood, { status: 502 }, { ms: 2000 });
    const texts = lines.map(({ text, level }) => `${level} ${text}`);
    expect(texts).toHaveLength(20 + 1000 / 50 + 2);
    expect(texts.filter((text) => text.endsWith("(one of 50)"))).toHaveLength(20);
    expect(texts.slice(-2)).toEqual([
      "error GET shop.test/cart 502 12 ms",
      "warn GET shop.test/cart 200 2000 ms",
    ]);
  });

  it("hide secrets in paths and request ids, and leave out what is nobody's (R-107)", async () => {
    const lines = await kept({ path: "/reset/hunter22", requestId: "hunter22" }, { backend: "" });
    expect(lines).toMatchObject([{ text: "GET shop.test/reset/*** 200 12 ms", requestId: "***" }]);
  });
});
