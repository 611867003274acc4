import { jwtVerify, SignJWT } from "jose";
import type { User } from "../platform/database.ts";

export type Person = { id: string; name: string; role: User["role"]; session: string; expiresAt: number };

export const accessSeconds = 15 * 60;

/** Signed, short-lived, checked by every replica without asking anyone. */
export class AccessTokens {
  readonly #key: Uint8Array;

  constructor(secret: string) {
    this.#key = new TextEncoder().encode(secret);
  }

  issue(user: Pick<User, "_id" | "name" | "role">, session: string): Promise<string> {
    return new SignJWT({ name: user.name, role: user.role, sid: session })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(user._id)
      .setIssuer("nickapp")
      .setIssuedAt()
      .setExpirationTime(`${accessSeconds}s`)
      .sign(this.#key);
  }

  async verify(token: string): Promise<Person | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, { algorithms: ["HS256"], issuer: "nickapp" });
      const { sub, name, role, sid, exp } = payload;
      if (!sub || typeof name !== "string" || typeof sid !== "string" || !exp) return undefined;
      return {
        id: sub,
        name,
        role: role === "arbiter" ? "arbiter" : "member",
        session: sid,
        expiresAt: exp * 1000,
      };
    } catch {
      return undefined;
    }
  }
}
