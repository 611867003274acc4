import { needsTags, tagOfChannel } from "../policy/update-channel.ts";
import type { Registry } from "../registry/port.ts";
import type { ImageDigest } from "../rollout/ids.ts";
import { parseReference } from "../stack/image-reference.ts";
import type { UpdateChannel } from "../stack/stack.ts";
import type { PinnedImage } from "../store/port.ts";

/** What a channel leads to now; `undefined` when the registry does not have it, or nothing may change. */
export async function findNewest(
  registry: Registry,
  channel: UpdateChannel,
  reference: string,
  signal: AbortSignal,
): Promise<PinnedImage | undefined> {
  const { repository, tag: current = "latest" } = parseReference(reference);
  const tags = needsTags(channel) ? await registry.tags(repository, signal) : [];
  const tag = tagOfChannel(channel, current, tags);
  if (tag === undefined) return undefined;
  const digest = await registry.digest({ repository, reference: tag }, signal);
  return digest === undefined
    ? undefined
    : { reference: `${repository}:${tag}`, digest: digest as ImageDigest };
}
