import type { NextFunction, Request, Response } from "express";
import { unauthorized, unavailable } from "../platform/http-error.ts";
import type { AccessTokens, Person } from "./access-tokens.ts";
import type { RefreshFamilies } from "./refresh-families.ts";

const people = new WeakMap<Request, Person>();

/** Who a bearer token stands for, if its session still lives. */
export async function personOf(
  token: string | undefined,
  { tokens, families }: { tokens: AccessTokens; families: RefreshFamilies },
): Promise<Person | undefined> {
  const person = token ? await tokens.verify(token) : undefined;
  if (!person) return undefined;
  const alive = await families.isAlive(person.session).catch(() => {
    throw unavailable("signing in");
  });
  return alive ? person : undefined;
}

export function requirePerson(parts: { tokens: AccessTokens; families: RefreshFamilies }) {
  return async (request: Request, _response: Response, next: NextFunction) => {
    const person = await personOf(/^Bearer (.+)$/.exec(request.get("authorization") ?? "")?.[1], parts);
    if (!person) throw unauthorized();
    people.set(request, person);
    next();
  };
}

export function personIn(request: Request): Person {
  const person = people.get(request);
  if (!person) throw unauthorized();
  return person;
}
