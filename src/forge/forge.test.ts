import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { allForges, deliveryHeaders, fixtureCommit, recorded, type SigningForge } from "./forge-support.ts";

const secret = "it's a secret to everybody";
const kinds: readonly SigningForge[] = ["github", "gitea", "forgejo"];
const synchronized = (kind: SigningForge) => (kind === "github" ? "synchronize" : "synchronized");

function delivered(kind: SigningForge, event: string, name: string, change?: (text: string) => string) {
  const body = recorded(`${kind}-${name}`, change);
  return { headers: deliveryHeaders(kind, event, body, { secret }), body };
}

describe.each(kinds)("a webhook of %s (R-078)", (kind) => {
  const forge = allForges[kind];

  it("is proved by the signature of its body, and has an id", () => {
    expect(forge.verify(delivered(kind, "push", "push"), secret)).toEqual({
      deliveryId: "f6266f16-1bf3-46a5-9ea4-602e06ead473",
      signed: true,
    });
  });

  it("is refused with a flipped byte, another secret, a cut signature, an empty secret", () => {
    const request = delivered(kind, "push", "push");
    const flipped = Buffer.from(request.body);
    flipped[100] = (flipped[100] ?? 0) ^ 1;
    const invalid = expect.objectContaining({ code: "FORGE_SIGNATURE_INVALID" });
    expect(() => forge.verify({ ...request, body: flipped }, secret)).toThrow(invalid);
    expect(() => forge.verify(request, `${secret}.`)).toThrow(invalid);
    const cut = Object.entries(request.headers).map(([name, value]) => [
      name,
      name.includes("signature") ? value.slice(0, -2) : value,
    ]);
    expect(() => forge.verify({ ...request, headers: Object.fromEntries(cut) }, secret)).toThrow(invalid);
    const unkeyed = deliveryHeaders(kind, "push", request.body, { secret: "" });
    expect(() => forge.verify({ ...request, headers: unkeyed }, "")).toThrow(invalid);
  });

  it("is refused without a signature of its own kind", () => {
    const request = delivered(kind, "push", "push");
    const own = kind === "github" ? "x-hub-signature-256" : `x-${kind}-signature`;
    const { [own]: _, ...headers } = request.headers;
    expect(() => forge.verify({ ...request, headers }, secret)).toThrow(
      expect.objectContaining({ code: "FORGE_SIGNATURE_MISSING" }),
    );
  });

  it("becomes the one event for a push", () => {
    expect(forge.parse(delivered(kind, "push", "push"))).toEqual({
      type: "push",
      ref: "main",
      isTag: false,
      commit: fixtureCommit,
      subject: "Sell tea as well",
      author: "Ada Lovelace",
    });
    const deleted = delivered(kind, "push", "push", (text) => text.replaceAll(fixtureCommit, "0".repeat(40)));
    expect(forge.parse(deleted)).not.toHaveProperty("commit");
    const tag = delivered(kind, "push", "push", (text) => text.replace("refs/heads/main", "refs/tags/v1.2"));
    expect(forge.parse(tag)).toMatchObject({ ref: "v1.2", isTag: true });
  });

  it("becomes the one event for a pull request, and knows a fork", () => {
    const opened = forge.parse(delivered(kind, "pull_request", "pull-request-opened"));
    expect(opened).toEqual({
      type: "pullRequest",
      action: "opened",
      number: 7,
      title: "Sell tea as well",
      author: "ada",
      branch: "tea",
      base: "main",
      commit: fixtureCommit,
      fork: false,
      fetchRef: "refs/pull/7/head",
    });
    const updated = delivered(kind, "pull_request", `pull-request-${synchronized(kind)}`);
    expect(forge.parse(updated)).toMatchObject({ action: "updated" });
    expect(forge.parse(delivered(kind, "pull_request", "pull-request-closed"))).toMatchObject({
      action: "closed",
    });
    expect(forge.parse(delivered(kind, "pull_request", "pull-request-fork"))).toMatchObject({ fork: true });
    const labelled = delivered(kind, "pull_request", "pull-request-opened", (text) =>
      text.replace('"action": "opened"', '"action": "labeled"'),
    );
    expect(forge.parse(labelled)).toEqual({ type: "other", name: "pull_request labeled" });
  });

  it("takes a head whose fork is gone for a fork", () => {
    const body = JSON.parse(recorded(`${kind}-pull-request-fork`).toString());
    body.pull_request.head.repo = null;
    const request = {
      headers: { [`x-${kind}-event`]: "pull_request" },
      body: Buffer.from(JSON.stringify(body)),
    };
    expect(forge.parse(request)).toMatchObject({ fork: true });
  });

  it("becomes the one event for a pushed image (R-150)", () => {
    const [event, name] =
      kind === "github" ? ["registry_package", "registry-package"] : ["package", "package"];
    const host = kind === "github" ? "ghcr.io" : `${kind}.example.com`;
    expect(forge.parse(delivered(kind, event ?? "", name ?? ""))).toMatchObject({
      type: "package",
      image: `${host}/acme/shop-api`,
      tag: "latest",
    });
  });

  it("refuses what it can't read, and names the field", () => {
    const invalid = (message: string) =>
      expect.objectContaining({ code: "FORGE_BODY_INVALID", message: expect.stringContaining(message) });
    const form = { headers: { [`x-${kind}-event`]: "push" }, body: Buffer.from("payload=%7B%7D") };
    expect(() => forge.parse(form)).toThrow(invalid("no JSON"));
    const option = delivered(kind, "push", "push", (text) =>
      text.replace("refs/heads/main", "--upload-pack=x"),
    );
    expect(() => forge.parse(option)).toThrow(invalid("ref"));
    const short = delivered(kind, "push", "push", (text) => text.replaceAll(fixtureCommit, "HEAD"));
    expect(() => forge.parse(short)).toThrow(invalid("after"));
    expect(() => forge.parse({ headers: {}, body: Buffer.from("{}") })).toThrow(invalid("event"));
  });
});

describe("a webhook of Forgejo", () => {
  it("is not rescued by the good signature of another name", () => {
    const request = delivered("forgejo", "push", "push");
    const headers = { ...request.headers, "x-forgejo-signature": "0".repeat(64) };
    expect(() => allForges.forgejo.verify({ ...request, headers }, secret)).toThrow(
      expect.objectContaining({ code: "FORGE_SIGNATURE_INVALID" }),
    );
  });
});

describe("a plain webhook (R-062)", () => {
  const body = Buffer.from('{"ref":"refs/heads/main"}');

  it("is proved by its token in a header", () => {
    const headers = { authorization: `Bearer ${secret.replaceAll(" ", "_")}` };
    const proof = allForges.plain.verify({ headers, body }, secret.replaceAll(" ", "_"));
    expect(proof).toEqual({ signed: false });
    expect(allForges.plain.parse({ headers, body })).toEqual({ type: "deploy", branch: "main" });
    expect(allForges.plain.parse({ headers, body: Buffer.alloc(0) })).toEqual({ type: "deploy" });
  });

  it("is proved by a signature as well, which a wrong token can't replace", () => {
    const digest = createHmac("sha256", secret).update(body).digest("hex");
    const headers = { "x-hub-signature-256": `sha256=${digest}`, "idempotency-key": "build-12" };
    expect(allForges.plain.verify({ headers, body }, secret)).toEqual({
      deliveryId: "build-12",
      signed: true,
    });
    expect(() => allForges.plain.verify({ headers, body: Buffer.from("{}") }, secret)).toThrow(
      "does not fit",
    );
  });

  it.each([
    ["no token", {}, undefined, false, "FORGE_SIGNATURE_MISSING"],
    ["a wrong token", { authorization: "Bearer guess" }, undefined, false, "FORGE_SIGNATURE_INVALID"],
    ["a token in the address", {}, "hunter2", false, "FORGE_TOKEN_IN_URL"],
    ["a wrong token in the address", {}, "guess", true, "FORGE_SIGNATURE_INVALID"],
  ])("is refused with %s", (_what, headers, token, urlToken, code) => {
    const request = { headers, body, ...(token === undefined ? {} : { urlToken: token }) };
    expect(() => allForges.plain.verify(request, "hunter2", { urlToken })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it("takes a token in the address where that was allowed", () => {
    const request = { headers: {}, body, urlToken: "hunter2" };
    expect(allForges.plain.verify(request, "hunter2", { urlToken: true })).toEqual({ signed: false });
  });
});
