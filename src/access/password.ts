import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { accessError } from "./errors.ts";

/** OWASP's second choice for argon2id: 19 MiB, two passes, one lane (Password Storage Cheat Sheet). */
const owasp: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const tagLength = 32;
const shortest = 12;
const longest = 256;

/** Each takes 19 MiB and a core: more than two at once would starve what the machine is for. */
const atOnce = 2;
const waitingLimit = 30;

const derive = promisify<"argon2id", Argon2Parameters, Buffer>(argon2);

/** Errors: `ACCESS_PASSWORD_WEAK`. */
export function assertStrong(password: string, user: { email: string; name: string }): void {
  const refuse = (why: string) => accessError("ACCESS_PASSWORD_WEAK", why);
  const length = [...password].length;
  if (length < shortest) throw refuse(`the password has ${length} characters`);
  if (length > longest) throw refuse(`the password has more than ${longest} characters`);
  const plain = password.toLowerCase();
  const local = user.email.split("@")[0] ?? "";
  const obvious = [user.email, user.name, local].filter((word) => word.length > 3);
  if (obvious.some((word) => plain.replaceAll(word.toLowerCase(), "").length < shortest / 2))
    throw refuse("the password is little more than your name");
  if (new Set(plain).size < 5) throw refuse("the password repeats a few characters");
}

/** Hashes and verifies passwords, a few at once; the hash is a PHC string that carries its own parameters. */
export class Passwords {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #cost: Cost;
  /** What is computed for users who are not there: no password fits it. */
  readonly #decoy: string;

  constructor(cost: Cost = owasp) {
    this.#cost = cost;
    this.#decoy = phcOf(cost, randomBytes(16), randomBytes(tagLength));
  }

  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    return phcOf(this.#cost, salt, await this.#derive(password, salt, this.#cost));
  }

  /** Takes as long for an unknown user (no hash) as for a known one. */
  async verify(password: string, phc: string | undefined): Promise<boolean> {
    const { salt, tag, ...parameters } = parsePhc(phc ?? this.#decoy);
    const derived = await this.#derive(password.slice(0, longest * 4), salt, parameters);
    return timingSafeEqual(derived, tag) && phc !== undefined;
  }

  async #derive(password: string, nonce: Buffer, parameters: Cost): Promise<Buffer> {
    if (this.#running >= atOnce) await this.#turn();
    else this.#running += 1;
    try {
      return await derive("argon2id", {
        message: password.normalize("NFKC"),
        nonce,
        tagLength,
        ...parameters,
      });
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #turn(): Promise<void> {
    if (this.#waiting.length >= waitingLimit)
      throw accessError("ACCESS_BUSY", "too many passwords are being checked at once");
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

export type Cost = { memory: number; passes: number; parallelism: number };

function phcOf({ memory, passes, parallelism }: Cost, salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

function parsePhc(phc: string): Cost & { salt: Buffer; tag: Buffer } {
  const pattern = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
  const [, memory, passes, parallelism, salt = "", tag = ""] = pattern.exec(phc) ?? [];
  if (tag === "") throw new Error("the stored password hash is not in PHC form");
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, "base64"),
    tag: Buffer.from(tag, "base64"),
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}
