import { describe, expect, it } from "vitest";
import type { KeptImageView, OutdatedView } from "../../api/contract/updates.ts";
import { renderImages } from "./images.ts";
import { renderOutdated } from "./outdated.ts";
import { makeStyle } from "./style.ts";

const plain = makeStyle(false);
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

describe("outdated", () => {
  const web: OutdatedView = {
    service: "web",
    automatic: true,
    channel: { kind: "tag", tag: "latest" },
    running: { reference: "127.0.0.1:5000/acme/web:latest", digest: digest("a") },
    newest: { reference: "127.0.0.1:5000/acme/web:latest", digest: digest("b") },
    state: "bad",
    createdAt: 0,
    base: { name: "node:24", outdated: true },
    polls: 3,
    bad: [{ digest: digest("b"), deployment: "dep_1", at: 1, message: "web is not ready within 8 s" }],
  };

  it("names both images, the base that moved and why one is not tried again (R-152, R-155)", () => {
    const by = { ...web, service: "api", automatic: false, channel: { kind: "patch" as const }, bad: [] };
    const built: OutdatedView = { ...by, state: "built", running: { reference: "api", digest: digest("c") } };
    expect(renderOutdated([web, built], 2 * 86_400_000, plain)).toMatchInlineSnapshot(`
      "SERVICE  CHANNEL         RUNS                       NEWEST                            MADE     BASE
      web      tag:latest      web:latest (aaaaaaaaaaaa)  web:latest (bbbbbbbbbbbb)  bad    2 d ago  node:24 outdated
      api      patch, by hand  api (cccccccccccc)         web:latest (bbbbbbbbbbbb)  built  2 d ago  node:24 outdated
      web: bbbbbbbbbbbb is not tried again: web is not ready within 8 s
      "
    `);
  });
});

describe("images", () => {
  it("say why each is kept (R-060)", () => {
    const image = (n: number, keeping: KeptImageView["keeping"]): KeptImageView => ({
      stack: "shop",
      service: "web",
      reference: `acme/web:${n}`,
      digest: digest(String(n)),
      sizeBytes: 4_500_000,
      keeping,
      releases: [n],
    });
    const images = [image(1, "removable"), image(3, "live"), image(2, "last")];
    expect(renderImages(images, false, plain)).toMatchInlineSnapshot(`
      "STACK  SERVICE  IMAGE       DIGEST        SIZE     RELEASES
      shop   web      acme/web:3  333333333333  4.3 MiB  v3        live
      shop   web      acme/web:2  222222222222  4.3 MiB  v2        among the last
      shop   web      acme/web:1  111111111111  4.3 MiB  v1        removable
      "
    `);
    expect(renderImages([], true, plain)).toBe("Nothing to remove.\n");
  });
});
