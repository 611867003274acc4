import { expect, it } from "vitest";
import type { ReleaseId } from "../rollout/ids.ts";
import { aRelease } from "../store/store-support.ts";
import { ReleaseBook } from "./release-book.ts";
import { aStackService, requestFor, World } from "./world-support.ts";

const limit = 64;

it("forgets a release for a new one only, not for one that is known already", () => {
  const world = new World();
  const parts = world.parts();
  const { bundle } = requestFor([aStackService("web")]);
  const resolved: string[] = [];
  const resolve: typeof parts.resolve = (wanted, environment, options) => {
    resolved.push(Object.values(wanted.variables).join());
    return parts.resolve(wanted, environment, options);
  };
  const ids = Array.from({ length: limit + 1 }, (_, index) => `release-${index}` as ReleaseId);
  for (const id of ids)
    world.store.releases.create(aRelease(id, { bundle: { ...bundle, variables: { id } } }));
  const book = new ReleaseBook({ ...parts, resolve });
  const [first = "" as ReleaseId, ...others] = ids;
  const last = others.pop() ?? first;
  const [, again = first] = ids;
  for (const id of [first, ...others]) book.stack(id);
  book.remember(again, book.stack(again));
  for (const id of [first, ...others]) book.stack(id);
  expect(resolved).toHaveLength(limit);
  book.stack(last);
  expect(resolved).toHaveLength(limit + 1);
  book.stack(first);
  expect(resolved.at(-1), "the oldest made room").toBe(first);
});
