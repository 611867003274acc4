import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Grant,
  limitedBy,
  may,
  mayGive,
  maySomewhere,
  type Permission,
  permissionMeanings,
  roleHas,
  roles,
} from "./permissions.ts";

const permissions = Object.keys(permissionMeanings) as Exclude<Permission, "self">[];
const somePlace = fc.record(
  { stack: fc.constantFrom("shop", "blog"), environment: fc.constantFrom("production", "staging") },
  { requiredKeys: [] },
);
const someGrant: fc.Arbitrary<Grant> = fc
  .tuple(fc.constantFrom(...roles), somePlace)
  .map(([role, place]) => ({ role, ...place }));
const someGrants = fc.array(someGrant, { maxLength: 4 });
const somePermission = fc.constantFrom(...permissions);
const concretePlaces = ["shop", "blog", "other"].flatMap((stack) =>
  ["production", "staging", "other"].map((environment) => ({ stack, environment })),
);

describe("permissions (R-249)", () => {
  it("are the matrix of five roles, each with all that the one before has", () => {
    expect(
      Object.fromEntries(roles.map((role) => [role, permissions.filter((one) => roleHas(role, one)).join()])),
    ).toEqual({
      viewer: "read",
      developer: "read,develop",
      approver: "read,develop,approve",
      operator: "read,develop,approve,operate",
      admin: "read,develop,approve,operate,administer",
    });
  });

  it("of nobody are none, whatever the target", () => {
    fc.assert(
      fc.property(somePermission, somePlace, (permission, place) => {
        expect(may([], permission, place)).toBe(false);
      }),
    );
  });

  it("on a stack and environment never reach another one, nor the platform", () => {
    const grants: Grant[] = [{ role: "admin", stack: "shop", environment: "staging" }];
    for (const place of concretePlaces)
      expect(may(grants, "read", place)).toBe(place.stack === "shop" && place.environment === "staging");
    for (const wide of [{}, { stack: "shop" }, { environment: "staging" }])
      expect(may(grants, "read", wide)).toBe(false);
  });

  it("only grow with a further grant", () => {
    fc.assert(
      fc.property(someGrants, someGrant, somePermission, somePlace, (grants, more, permission, place) => {
        if (may(grants, permission, place)) expect(may([...grants, more], permission, place)).toBe(true);
      }),
    );
  });

  it("on a whole are held on every part of it", () => {
    fc.assert(
      fc.property(someGrants, somePermission, (grants, permission) => {
        for (const place of concretePlaces) {
          const wider = [{}, { stack: place.stack }, { environment: place.environment }];
          if (wider.some((whole) => may(grants, permission, whole)))
            expect(may(grants, permission, place)).toBe(true);
          if (may(grants, permission, place)) {
            expect(maySomewhere(grants, permission)).toBe(true);
            expect(maySomewhere(grants, permission, place.stack)).toBe(true);
          }
        }
      }),
    );
  });

  it("of a token never exceed those of its maker, nor its own", () => {
    fc.assert(
      fc.property(someGrants, someGrants, somePermission, (token, maker, permission) => {
        const both = limitedBy(token, maker);
        for (const place of [...concretePlaces, {}, { stack: "shop" }]) {
          if (may(both, permission, place)) {
            expect(may(token, permission, place)).toBe(true);
            expect(may(maker, permission, place)).toBe(true);
          }
        }
      }),
    );
  });

  it("that both a token and its maker hold are kept", () => {
    fc.assert(
      fc.property(someGrants, someGrants, somePermission, (token, maker, permission) => {
        for (const place of concretePlaces)
          if (may(token, permission, place) && may(maker, permission, place))
            expect(may(limitedBy(token, maker), permission, place)).toBe(true);
      }),
    );
  });

  it("can be handed on only by who holds them", () => {
    fc.assert(
      fc.property(someGrants, someGrants, somePermission, (held, given, permission) => {
        if (!mayGive(held, given)) return;
        for (const place of concretePlaces)
          if (may(given, permission, place)) expect(may(held, permission, place)).toBe(true);
      }),
    );
    expect(mayGive([{ role: "admin", stack: "shop" }], [{ role: "viewer" }])).toBe(false);
    expect(mayGive([{ role: "operator" }], [{ role: "admin", stack: "shop" }])).toBe(false);
    expect(mayGive([{ role: "admin" }], [{ role: "admin", stack: "shop" }])).toBe(true);
  });
});
