import type { ServiceFacts, Tell } from "./facts.ts";
import { parseReference } from "./image-reference.ts";
import type { ServiceKind, UpdateChannel, UpdatePolicy } from "./stack.ts";
import { isMovingTag, parseVersionTag } from "./version-tag.ts";

/** Watchtower's own label, and the short form that people write for it. */
const labels = ["com.centurylinklabs.watchtower.enable", "watchtower.enable"];
const defaultSeconds = 300;

/**
 * Whether newer images of a service are rolled out by themselves: only where the file asks for it. A label alone does
 * not count for databases, whose image never changes by itself, nor for images that are built here.
 */
export function inferUpdate(
  facts: ServiceFacts,
  { kind, environment }: { kind: ServiceKind; environment: string },
  tell: Tell,
): UpdatePolicy | undefined {
  const { settings, compose, name } = facts;
  const own = settings.update;
  const labelled = labels.some((label) => compose.labels?.[label]?.toLowerCase() === "true");
  if (own === undefined && (!labelled || kind === "database")) return undefined;
  const path = `services.${name}.${own ? "x-roadstead.update" : "labels"}`;
  if (compose.image === undefined || compose.build || kind === "static") {
    if (own)
      tell("error", "UPDATE_WITHOUT_IMAGE", {
        path,
        message: "only an image from a registry is updated by itself, but this service is built here",
        fix: "remove `update`, or remove `build` and write `image`",
      });
    return undefined;
  }
  const { tag, digest } = parseReference(compose.image);
  const channel = channelOf(own?.channel, { tag, digest });
  if ((channel.kind === "patch" || channel.kind === "minor") && !isVersion(tag)) {
    tell("error", "UPDATE_WITHOUT_VERSION", {
      path: `${path}.channel`,
      message: `${compose.image} names no version, so nothing tells a higher ${channel.kind} version`,
      fix: "write a tag like 1.4.2, or a channel `tag:<name>`",
    });
    return undefined;
  }
  const named = own?.channel !== undefined;
  if (environment === "production" && channel.kind === "tag" && !named && isMovingTag(channel.tag)) {
    tell(own ? "error" : "warning", "UPDATE_MOVING_TAG", {
      path,
      message: `${compose.image} moves: in production whatever is pushed to it would roll out by itself${own ? "" : ", so the label is not followed"}`,
      fix: `write a version tag with \`x-roadstead: {update: {channel: patch}}\`, or allow it with \`x-roadstead: {update: {channel: "tag:${channel.tag}"}}\``,
    });
    return undefined;
  }
  return { channel, everySeconds: own?.every ?? defaultSeconds, ...(own?.allow ? { allow: own.allow } : {}) };
}

function channelOf(
  written: UpdateChannel | undefined,
  { tag, digest }: { tag: string | undefined; digest: string | undefined },
): UpdateChannel {
  if (written) return written;
  if (digest !== undefined) return { kind: "pinned" };
  const version = tag === undefined ? undefined : parseVersionTag(tag);
  return version?.numbers.length === 3 ? { kind: "patch" } : { kind: "tag", tag: tag ?? "latest" };
}

function isVersion(tag: string | undefined): boolean {
  return tag !== undefined && parseVersionTag(tag) !== undefined;
}
