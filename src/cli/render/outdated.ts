import type { OutdatedView } from "../../api/contract/updates.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago } from "./time.ts";

/** One line per service: what runs, what its channel leads to, and what is known about its base image. */
export function renderOutdated(services: readonly OutdatedView[], now: number, style: Style): string {
  const rows = services.map((one) => [
    one.service,
    one.automatic ? channelOf(one) : style.dim(`${channelOf(one)}, by hand`),
    shown(one.running),
    one.newest && one.newest.digest !== one.running.digest ? shown(one.newest) : "-",
    stateOf(one, style),
    one.createdAt === undefined ? "-" : ago(one.createdAt, now),
    baseOf(one, style),
  ]);
  const header = ["SERVICE", "CHANNEL", "RUNS", "NEWEST", "", "MADE", "BASE"];
  const notes = services.flatMap(({ service, message, bad }) => [
    ...(message === undefined ? [] : [`${service}: ${message}`]),
    ...bad.slice(-1).map((one) => `${service}: ${short(one.digest)} is not tried again: ${one.message}`),
  ]);
  return [renderTable(header, rows, style), ...notes.map((note) => `${style.dim(note)}\n`)].join("");
}

function channelOf({ channel }: OutdatedView): string {
  return channel.kind === "tag" ? `tag:${channel.tag}` : channel.kind;
}

/** The tag and enough of the digest to tell two apart; the repository is in the Compose file. */
function shown({ reference, digest }: OutdatedView["running"]): string {
  const tag = reference.slice(reference.lastIndexOf("/") + 1).replace(/@.*$/, "");
  return `${tag} (${short(digest)})`;
}

function short(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}

function stateOf({ state }: OutdatedView, style: Style): string {
  switch (state) {
    case "current":
      return style.good("current");
    case "outdated":
      return style.warn("outdated");
    case "awaiting":
      return style.warn("awaiting approval");
    case "rejected":
    case "bad":
    case "refused":
      return style.bad(state);
    case "built":
    case "unknown":
      return style.dim(state);
  }
}

function baseOf({ base }: OutdatedView, style: Style): string {
  if (!base) return "-";
  if (base.outdated === undefined) return base.name;
  return base.outdated ? `${base.name} ${style.warn("outdated")}` : base.name;
}
