import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { makeVariables, type Variables } from "../src/delivery/variables.ts";
import type { Clock } from "../src/lib/clock.ts";
import { messageOf } from "../src/lib/platform-error.ts";
import { BuiltinSecrets } from "../src/secrets/drivers/builtin.ts";
import { CommandSecrets } from "../src/secrets/drivers/command.ts";
import { VaultSecrets } from "../src/secrets/drivers/vault.ts";
import { secretsError } from "../src/secrets/errors.ts";
import type { SecretProvider } from "../src/secrets/port.ts";
import type { Store } from "../src/store/port.ts";
import { loadBundle } from "./resolve-bundle.ts";

const seconds = (standard: number) =>
  z
    .number()
    .min(1)
    .max(60)
    .default(standard)
    .transform((value) => value * 1000);
const login = z.union([
  z.strictObject({ tokenFile: z.string() }),
  z.strictObject({ roleId: z.string(), secretIdFile: z.string(), mount: z.string().default("approle") }),
]);
const settingsSchema = z.strictObject({
  vault: z
    .strictObject({
      address: z.url({ protocol: /^https?$/ }),
      namespace: z.string().exactOptional(),
      timeoutSeconds: seconds(10),
      login,
    })
    .optional(),
  commands: z
    .record(
      z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/),
      z.strictObject({
        argv: z.tuple([z.string().startsWith("/", "must be an absolute path")], z.string()),
        timeoutSeconds: seconds(10),
      }),
    )
    .default({}),
});

/** Variables and secrets out of real drivers: the own store, and what `<home>/secrets.json` names. */
export function makeVariablesOf(home: string, { store, clock }: { store: Store; clock: Clock }): Variables {
  const providers = new ProvidersFile(join(home, "secrets.json"), clock);
  const secrets = { own: new BuiltinSecrets(store.secrets), providers: () => providers.read() };
  return makeVariables({ store, clock, secrets, load: loadBundle });
}

/** Read again when it has changed, so that a provider is added without a restart. */
class ProvidersFile {
  readonly #path: string;
  readonly #clock: Clock;
  #known: { mark: string; providers: readonly SecretProvider[] } | undefined;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  read(): readonly SecretProvider[] {
    const stat = statSync(this.#path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    if ((stat.mode & 0o022) !== 0)
      throw secretsError("SECRETS_NOT_CONFIGURED", `${this.#path} can be written by others`, {
        hint: "It names programs that the control plane runs: chmod 600.",
      });
    const mark = `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    if (this.#known?.mark !== mark) this.#known = { mark, providers: this.#make() };
    return this.#known.providers;
  }

  #make(): readonly SecretProvider[] {
    let settings: z.output<typeof settingsSchema>;
    try {
      settings = settingsSchema.parse(JSON.parse(readFileSync(this.#path, "utf8")));
    } catch (cause) {
      const why = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
      throw secretsError("SECRETS_NOT_CONFIGURED", `${this.#path}: ${why}`, { cause });
    }
    const { vault, commands } = settings;
    const named = Object.entries(commands).map(([name, { argv, timeoutSeconds }]) => [
      name,
      { argv, timeoutMs: timeoutSeconds },
    ]);
    const all: SecretProvider[] = [new CommandSecrets(Object.fromEntries(named))];
    if (!vault) return all;
    const { timeoutSeconds, namespace, address } = vault;
    const more = namespace === undefined ? {} : { namespace };
    const own = { address, timeoutMs: timeoutSeconds, login: vault.login, ...more };
    return [...all, new VaultSecrets(own, this.#clock)];
  }
}
