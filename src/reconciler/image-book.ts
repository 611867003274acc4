import { type BuildValues, buildValuesOf, differingValues } from "../policy/build-values.ts";
import type { ImageDigest } from "../rollout/ids.ts";
import type { ComposeService } from "../stack/compose-model.ts";
import type { Stack } from "../stack/stack.ts";
import type { PinnedImage, Store } from "../store/port.ts";
import { engineError } from "./errors.ts";

/** With which values an image was built here; the newest set last. */
type BuiltRecord = { at: number; sets: readonly BuildValues[] };

const collection = "builtImages";
const setLimit = 10;
const recordLimit = 1000;

/** Keeps the values that an image was just built with. */
export function noteBuilt(
  store: Store,
  { digest, compose, at }: { digest: ImageDigest; compose: ComposeService; at: number },
): void {
  const values = buildValuesOf(compose);
  const known = builtWith(store, digest);
  const others = known.filter((set) => differingValues([set], values).length > 0);
  store.records.put<BuiltRecord>(collection, digest, { at, sets: [...others, values].slice(-setLimit) });
  const all = store.records.list<BuiltRecord>(collection, { limit: recordLimit + 1 });
  const oldest = all.sort((one, other) => one.value.at - other.value.at)[0];
  if (all.length > recordLimit && oldest) store.records.remove(collection, oldest.key);
}

/** Empty: it was not built here. */
export function builtWith(store: Store, digest: ImageDigest): readonly BuildValues[] {
  return store.records.get<BuiltRecord>(collection, digest)?.sets ?? [];
}

/** An image with another environment's values compiled in does not go to this one. */
export function assertBuildValues(
  store: Store,
  stack: Stack,
  images: Readonly<Record<string, PinnedImage>>,
): void {
  const found = stack.services.flatMap(({ name, compose }) => {
    const image = images[name];
    if (image === undefined || compose.build === undefined) return [];
    const names = differingValues(builtWith(store, image.digest), buildValuesOf(compose));
    return names.length === 0 ? [] : [`${name} was built with other values of ${names.join(", ")}`];
  });
  if (found.length > 0)
    throw engineError(
      "ENGINE_BUILD_VALUES_DIFFER",
      `${found.join("; ")} than ${stack.environment} has; its image can't be promoted`,
    );
}
