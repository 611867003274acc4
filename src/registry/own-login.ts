import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RegistryLogin } from "./port.ts";

/** The one name that our own registry knows. */
export const ownUser = "roadstead";

/** Where the registry that an installation runs keeps everything. */
export function ownRegistryFolder(home: string): string {
  return join(home, "registry");
}

/** The login of the registry that this installation runs, if `host` is that one. */
export async function ownLogin(home: string, host: string): Promise<RegistryLogin | undefined> {
  const folder = ownRegistryFolder(home);
  try {
    const address = await readFile(join(folder, "address"), "utf8");
    if (address.trim() !== host) return undefined;
    return { username: ownUser, password: (await readFile(join(folder, "password"), "utf8")).trim() };
  } catch {
    // No registry is run here.
    return undefined;
  }
}
