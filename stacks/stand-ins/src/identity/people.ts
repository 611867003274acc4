import { createHash } from "node:crypto";
import type { Choice } from "../shared/sign-in-page.ts";

export type Person = { id: string; email: string; name: string; emailVerified: boolean };

/** The people who can sign in; the same e-mail address always has the same id. */
export class People {
  #all: Person[] = [];

  constructor() {
    this.reset();
  }

  reset(): void {
    this.#all = [];
    this.add("ada@example.com", "Ada Lovelace", true);
    this.add("grace@example.com", "Grace Hopper", true);
    this.add("alan@example.com", "Alan Turing", true);
  }

  get all(): readonly Person[] {
    return this.#all;
  }

  get choices(): Choice[] {
    return this.#all.map(({ email, name }) => ({ value: email, label: `${name} (${email})` }));
  }

  add(email: string, name: string, emailVerified: boolean): Person {
    const digest = createHash("sha256").update(email).digest();
    // Google's and GitHub's ids are decimal; 48 bits keep them exact as a JSON number.
    const person = { id: String(digest.readUIntBE(0, 6)), email, name, emailVerified };
    this.#all = [...this.#all.filter((one) => one.email !== email), person];
    return person;
  }

  byEmail(email: string): Person | undefined {
    return this.#all.find((one) => one.email === email);
  }

  byId(id: string): Person | undefined {
    return this.#all.find((one) => one.id === id);
  }
}
