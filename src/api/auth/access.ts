import { freezes } from "../../delivery/freeze.ts";
import type { RunId } from "../../delivery/run.ts";
import { type AccessTarget, may, maySomewhere, type Permission } from "../../policy/permissions.ts";
import type { DeploymentId } from "../../rollout/ids.ts";
import { type Endpoint, type Subject, subjectOf } from "../contract/endpoint.ts";
import { apiError } from "../errors.ts";
import type { ApiParts } from "../parts.ts";
import type { Identity } from "./identity.ts";

type Params = Readonly<Record<string, string>>;
type Located = { target: AccessTarget } | "anywhere" | undefined;

/**
 * Where the things of a path belong. `undefined`: there is no such thing, and whoever may not see it is told the same,
 * so that ids of other stacks can't be guessed.
 */
const locate: Readonly<
  Record<Subject, (parts: Pick<ApiParts, "store" | "delivery">, params: Params) => Located>
> = {
  platform: () => ({ target: {} }),
  anywhere: () => "anywhere",
  scope: (_, { stack = "", environment = "" }) => ({ target: { stack, environment } }),
  source: (_, { source = "" }) => ({ target: { stack: source } }),
  run: ({ delivery }, { id }) => targetOf(delivery.book.get(id as RunId)?.scope),
  deployment: ({ store }, { id }) => targetOf(store.deployments.get(id as DeploymentId)?.scope),
  freeze: ({ store }, { id }) => targetOf(freezes(store).find((freeze) => freeze.id === id)),
};

/** Refuses a request whose caller may not make it. Errors: `API_FORBIDDEN`, `API_NOT_FOUND`. */
export function authorize(
  parts: Pick<ApiParts, "store" | "delivery">,
  identity: Identity,
  { endpoint, params }: { endpoint: Endpoint; params: Params },
): void {
  const { needs } = endpoint;
  if (needs === undefined) throw apiError("API_FORBIDDEN", "nobody may call this: it has no rule");
  if (needs === "self") return;
  const subject = subjectOf(endpoint);
  const located = locate[subject](parts, params);
  if (located === "anywhere") {
    if (!maySomewhere(identity.grants, needs)) throw forbidden(needs, {});
  } else if (located === undefined) {
    throw unknown(subject, params["id"] ?? "");
  } else {
    demand(identity, needs, located.target, () => unknown(subject, params["id"] ?? ""));
  }
}

/**
 * Refuses unless the permission is held on the target. What the caller may not even read does not exist for them: 404
 * whether it is there or not; else 403.
 */
export function demand(
  identity: Pick<Identity, "grants">,
  needs: Permission,
  target: AccessTarget,
  hidden: () => Error = () => unknown("scope", keyOf(target)),
): void {
  if (may(identity.grants, needs, target)) return;
  throw sees(identity, target) ? forbidden(needs, target) : hidden();
}

/** Whether the caller may know that there is such a thing. */
export function sees({ grants }: Pick<Identity, "grants">, target: AccessTarget): boolean {
  if (target.stack === undefined) return true;
  return target.environment === undefined
    ? maySomewhere(grants, "read", target.stack)
    : may(grants, "read", target);
}

function targetOf(place: AccessTarget | undefined): Located {
  if (!place) return undefined;
  const { stack, environment } = place;
  return {
    target: {
      ...(stack === undefined ? {} : { stack }),
      ...(environment === undefined ? {} : { environment }),
    },
  };
}

function forbidden(needs: Permission, target: AccessTarget): Error {
  return apiError("API_FORBIDDEN", `this needs the permission to ${needs} on ${keyOf(target)}`);
}

function unknown(subject: Subject, id: string): Error {
  switch (subject) {
    case "run":
    case "deployment":
    case "freeze":
      return apiError("API_NOT_FOUND", `there is no ${subject} ${id}`, { hint: whereToLook[subject] });
    default:
      return apiError("API_NOT_FOUND", "there is no such stack, or you have no access to it");
  }
}

const whereToLook = {
  run: "`roadstead pipeline` lists the runs.",
  deployment: "`roadstead rollout` shows the newest.",
  freeze: "`roadstead freeze` lists what is frozen.",
};

function keyOf({ stack, environment }: AccessTarget): string {
  if (stack === undefined && environment === undefined) return "the whole platform";
  return `${stack ?? "all stacks"}/${environment ?? "all environments"}`;
}
