import assert from "node:assert/strict";
import { test } from "node:test";
import { hashPassword, verifyPassword } from "../apps/auth/dist/password.js";
import { seal, unseal } from "../apps/auth/dist/sealed-box.js";
import { maerchenzauber } from "../apps/project/dist/projects/maerchenzauber.js";
import { picture } from "../apps/project/dist/projects/picture.js";
import { uload } from "../apps/project/dist/projects/uload.js";

test("a fairy tale holds hero, place and wish", () => {
  const { title, tale } = maerchenzauber.make({ hero: "Ida", place: "the old mill", wish: "rain" }) as Record<
    string,
    string
  >;
  assert.equal(title, "Ida and the rain");
  assert.match(tale ?? "", /Ida lived in the old mill/);
});

test("the same prompt gives the same picture, another one another", () => {
  const draw = (prompt: string) => (picture.make({ prompt }) as { svg: string }).svg;
  assert.equal(draw("a harbour"), draw("a harbour"));
  assert.notEqual(draw("a harbour"), draw("a mountain"));
  assert.doesNotMatch(draw("<script>"), /script/);
});

test("a short code leads to web addresses only", () => {
  assert.match((uload.make({ url: "https://example.com/long" }) as { code: string }).code, /^[\w-]{7}$/);
  assert.equal(uload.input.safeParse({ url: "javascript:alert(1)" }).success, false);
});

test("a password is known again, another one is not", async () => {
  const stored = await hashPassword("correct horse");
  assert.equal(await verifyPassword("correct horse", stored), true);
  assert.equal(await verifyPassword("correct house", stored), false);
});

test("a sealed key opens with its secret only", () => {
  const sealed = seal("private", "one secret of sixteen");
  assert.equal(unseal(sealed, "one secret of sixteen"), "private");
  assert.throws(() => unseal(sealed, "another of sixteen.."));
});
