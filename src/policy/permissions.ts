/**
 * Who may do what: roles are fixed sets of permissions, and a grant gives one role on one stack, one environment, or
 * everywhere. Every endpoint names the permission that it needs; nothing else decides about access.
 */

/** `self`: whoever is signed in, about themselves alone. */
export type Permission = "self" | "read" | "develop" | "approve" | "operate" | "administer";

/** What each permission is for, in the order of their weight; the operator guide's table is made of it. */
export const permissionMeanings: Readonly<Record<Exclude<Permission, "self">, string>> = {
  read: "see stacks, releases, deployments, logs, metrics and names of variables",
  develop: "deploy, roll back, promote, abort, push, start runs and previews, change variables and secrets",
  approve: "approve and reject what waits for approval",
  operate: "restart, stop, scale, execute commands, take down, freeze, prune, settings of sources and alerts",
  administer: "users, tokens of others, the audit trail, keys",
};

const rolePermissions = {
  viewer: ["read"],
  developer: ["read", "develop"],
  approver: ["read", "develop", "approve"],
  operator: ["read", "develop", "approve", "operate"],
  admin: ["read", "develop", "approve", "operate", "administer"],
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof rolePermissions;

/** From the smallest to the largest; each has all that the one before has. */
export const roles = Object.keys(rolePermissions) as readonly Role[];

/** A role where it counts. Without `stack`: on every stack; without `environment`: in every environment. */
export type Grant = { role: Role; stack?: string; environment?: string };

/** What somebody wants to touch. Without `stack`: the platform itself; without `environment`: all of a stack. */
export type AccessTarget = { stack?: string; environment?: string };

/** The owner's: everything, everywhere. */
export const adminEverywhere: readonly Grant[] = [{ role: "admin" }];

export function roleHas(role: Role, permission: Permission): boolean {
  const held: readonly Permission[] = rolePermissions[role];
  return permission === "self" || held.includes(permission);
}

/** Whether one of the grants gives the permission on the whole of the target: a part of it is not enough. */
export function may(grants: readonly Grant[], permission: Permission, target: AccessTarget): boolean {
  return grants.some((grant) => covers(grant, target) && roleHas(grant.role, permission));
}

/** Whether the permission is held on anything at all (of a stack): what is shown must still be asked for one by one. */
export function maySomewhere(grants: readonly Grant[], permission: Permission, stack?: string): boolean {
  return grants.some(
    (grant) =>
      roleHas(grant.role, permission) &&
      (stack === undefined || grant.stack === undefined || grant.stack === stack),
  );
}

/** Whether somebody with `held` may hand `given` on: nobody gives more than they have. */
export function mayGive(held: readonly Grant[], given: readonly Grant[]): boolean {
  return given.every((grant) => rolePermissions[grant.role].every((one) => may(held, one, grant)));
}

/** What a token may do whose maker holds `ceiling` now: of each grant only what both give. */
export function limitedBy(grants: readonly Grant[], ceiling: readonly Grant[]): Grant[] {
  return grants.flatMap((grant) => ceiling.flatMap((limit) => overlap(grant, limit) ?? []));
}

function overlap(one: Grant, other: Grant): Grant | undefined {
  const stack = common(one.stack, other.stack);
  const environment = common(one.environment, other.environment);
  if (stack === null || environment === null) return undefined;
  const role = roles.indexOf(one.role) < roles.indexOf(other.role) ? one.role : other.role;
  return {
    role,
    ...(stack === undefined ? {} : { stack }),
    ...(environment === undefined ? {} : { environment }),
  };
}

/** The narrower of two wishes; null: they exclude each other. */
function common(one: string | undefined, other: string | undefined): string | undefined | null {
  if (one === undefined) return other;
  return other === undefined || other === one ? one : null;
}

function covers(grant: Grant, target: AccessTarget): boolean {
  return (
    (grant.stack === undefined || grant.stack === target.stack) &&
    (grant.environment === undefined || grant.environment === target.environment)
  );
}
