import { rmSync } from "node:fs";
import { join } from "node:path";
import { Access } from "../src/access/access.ts";
import { writeFileAtomic } from "../src/lib/atomic-file.ts";
import type { Clock } from "../src/lib/clock.ts";
import type { Ids } from "../src/lib/ids.ts";
import type { Store } from "../src/store/port.ts";

/**
 * Users and sessions over the store. While there is nobody, the code to set up the owner with lies in `<home>/setup-code`,
 * for who can read that folder; it goes when it was used.
 */
export async function makeAccess(
  home: string,
  parts: { store: Store; clock: Clock; ids: Ids },
): Promise<{ access: Access; onSetUp: () => void }> {
  const access = new Access(parts);
  const file = join(home, "setup-code");
  const onSetUp = () => rmSync(file, { force: true });
  const code = access.newSetupCode();
  if (code === undefined) onSetUp();
  else await writeFileAtomic(file, `${code}\n`);
  return { access, onSetUp };
}
