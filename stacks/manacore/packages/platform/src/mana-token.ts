import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";

/** The claims of a manaToken. */
export const claimsSchema = z.object({
  sub: z.uuid(),
  role: z.enum(["user", "admin"]),
  app_id: z.string().min(1),
});
export type Claims = z.infer<typeof claimsSchema>;

export type Verdict = { ok: true; claims: Claims } | { ok: false; reason: "invalid" | "expired" | "no-keys" };

/** The one signature algorithm; anything else, `none` included, is refused before a key is looked up. */
export const tokenAlgorithm = "EdDSA";

/** Keys of the auth service, fetched once and kept: a token is verified without asking anybody. */
export function remoteKeys(jwksUrl: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(jwksUrl), {
    cacheMaxAge: 10 * 60_000,
    cooldownDuration: 5_000,
    timeoutDuration: 5_000,
  });
}

export async function verifyManaToken(
  token: string,
  keys: JWTVerifyGetKey,
  issuer: string,
): Promise<Verdict> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      algorithms: [tokenAlgorithm],
      requiredClaims: ["exp", "sub"],
    });
    const claims = claimsSchema.safeParse(payload);
    return claims.success ? { ok: true, claims: claims.data } : { ok: false, reason: "invalid" };
  } catch (error) {
    if (error instanceof errors.JWTExpired) return { ok: false, reason: "expired" };
    if (error instanceof errors.JWKSNoMatchingKey) return { ok: false, reason: "invalid" };
    if (isAboutTheToken(error)) return { ok: false, reason: "invalid" };
    process.stderr.write(
      `keys of the auth service: ${error instanceof Error ? error.message : "unknown error"}\n`,
    );
    return { ok: false, reason: "no-keys" };
  }
}

function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported
  );
}
