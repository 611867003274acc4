import { expect, it } from "vitest";
import { ScramClient } from "./scram.ts";

it("answers the challenge of RFC 7677, with the name left to the start-up message as PostgreSQL wants it", () => {
  const client = new ScramClient("pencil", "rOprNGfwEbeRWgbNEkqO");
  expect(client.first).toBe("n,,n=,r=rOprNGfwEbeRWgbNEkqO");
  const challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
  expect(client.final(challenge)).toMatch(
    /^c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj\)hNlF\$k0,p=[\w+/]{43}=$/,
  );
  expect(() => client.final("r=other,s=W22Z,i=4096")).toThrow(/makes no sense/);
});
