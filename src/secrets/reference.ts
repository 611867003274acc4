import { secretsError } from "./errors.ts";

/** Where a value is kept, as people write it: `vault:secret/shop#password`, `command:shop-password`. */
export type SecretReference = { provider: string; address: string };

const shape = /^([a-z][a-z0-9-]{0,31}):(\S{1,500})$/;

/** Errors: `SECRET_REFERENCE_INVALID`. */
export function parseReference(text: string): SecretReference {
  const [, provider, address] = shape.exec(text) ?? [];
  if (provider === undefined || address === undefined)
    throw secretsError("SECRET_REFERENCE_INVALID", "that is not a reference to a secret");
  return { provider, address };
}

/** `<mount>/<path>#<key>`; each part is used as a path segment, so nothing may climb out of it. */
export function parseVaultAddress(address: string): { mount: string; path: string; key: string } {
  const [, mount, path, key] = /^([^/#]+)\/([^#]+)#([^#]+)$/.exec(address) ?? [];
  if (mount === undefined || path === undefined || key === undefined)
    throw secretsError("SECRET_REFERENCE_INVALID", `vault:${address} is not <mount>/<path>#<key>`);
  if ([mount, ...path.split("/")].some((part) => part === "" || part === "." || part === ".."))
    throw secretsError("SECRET_REFERENCE_INVALID", `vault:${address} has an empty or a dotted path segment`);
  return { mount, path, key };
}
