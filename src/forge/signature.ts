import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { forgeError } from "./errors.ts";
import type { HookRequest } from "./port.ts";

/** The first value of a header; empty when it is not there. */
export function header(request: HookRequest, name: string): string {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

/** Checks a hex HMAC-SHA256 of the raw body, with or without `sha256=` before it. */
export function checkHmac(request: HookRequest, headerName: string, secret: string): void {
  const [, hex] = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(header(request, headerName).trim()) ?? [];
  const expected = createHmac("sha256", secret).update(request.body).digest();
  // An empty secret would make every stranger's signature computable.
  if (secret === "" || hex === undefined || !timingSafeEqual(Buffer.from(hex, "hex"), expected))
    throw forgeError("FORGE_SIGNATURE_INVALID", `${headerName} does not fit the body`);
}

/** In constant time whatever the lengths are. */
export function isSameSecret(given: string, secret: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(secret)) && secret !== "";
}

/** The id that a forge gave the delivery, when it looks like one. */
export function deliveryIdOf(request: HookRequest, headerName: string): { deliveryId?: string } {
  const id = header(request, headerName).trim();
  return /^[\x21-\x7e]{1,200}$/.test(id) ? { deliveryId: id } : {};
}
