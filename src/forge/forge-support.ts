/** What a forge would send: the recorded shapes of test/fixtures/forges, signed as the forge signs them. */

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Forgejo } from "./drivers/forgejo.ts";
import { Gitea } from "./drivers/gitea.ts";
import { GitHub } from "./drivers/github.ts";
import { PlainWebhook } from "./drivers/plain.ts";
import type { CommitStatus, Forge, ForgeKind, StatusPlace } from "./port.ts";

const folder = join(import.meta.dirname, "../../test/fixtures/forges");

export const allForges: Readonly<Record<ForgeKind, Forge>> = {
  github: new GitHub(),
  gitea: new Gitea(),
  forgejo: new Forgejo(),
  plain: new PlainWebhook(),
};

export type SigningForge = "github" | "gitea" | "forgejo";

export const fixtureCommit = "0f9cf1c1c0d4b8f3d7a1e1f6a3b2c4d5e6f70812";

/** A recorded body; `change` lays other facts over its text. */
export function recorded(name: string, change: (text: string) => string = (text) => text): Buffer {
  return Buffer.from(change(readFileSync(join(folder, `${name}.json`), "utf8")));
}

/** All the headers of one delivery, those included that a forge sends for programs that know another one. */
export function deliveryHeaders(
  kind: SigningForge,
  event: string,
  body: Uint8Array,
  { secret, id = "f6266f16-1bf3-46a5-9ea4-602e06ead473" }: { secret: string; id?: string },
): Record<string, string> {
  const hmac = (algorithm: string) => createHmac(algorithm, secret).update(body).digest("hex");
  const own = (prefix: string) => ({
    [`x-${prefix}-delivery`]: id,
    [`x-${prefix}-event`]: event,
    ...(prefix === "github" ? {} : { [`x-${prefix}-signature`]: hmac("sha256") }),
  });
  return {
    "content-type": "application/json",
    "x-hub-signature": `sha1=${hmac("sha1")}`,
    "x-hub-signature-256": `sha256=${hmac("sha256")}`,
    ...own("github"),
    ...(kind === "github" ? {} : { ...own("gogs"), ...own("gitea") }),
    ...(kind === "forgejo" ? own("forgejo") : {}),
  };
}

/** A forge that keeps what it is told, and fails as often as it is asked to. */
export class RecordingForge extends GitHub {
  readonly told: (CommitStatus & { commit: string; token: string })[] = [];
  failures: Error[] = [];

  override async setStatus(at: StatusPlace, status: CommitStatus): Promise<void> {
    const failure = this.failures.shift();
    if (failure) throw failure;
    this.told.push({ ...status, commit: at.commit, token: at.token });
  }
}
