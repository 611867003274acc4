import type { Json } from "../shared/call.ts";
import { newSnowflake } from "./snowflake.ts";

export type Command = Json & { id: string; name: string; type: number };

/** The registered application commands, per scope: global or one guild. */
export class Commands {
  readonly #applicationId: string;
  readonly #scopes = new Map<string, Command[]>();
  #writes = 0;

  constructor(applicationId: string) {
    this.#applicationId = applicationId;
  }

  list(guildId: string | null): readonly Command[] {
    return this.#scopes.get(guildId ?? "") ?? [];
  }

  /** PUT: the given set and nothing else. A command that was there keeps its id. */
  replace(guildId: string | null, wanted: readonly Json[]): readonly Command[] {
    const before = this.list(guildId);
    this.#writes += 1;
    const commands = wanted.map((one) => this.#complete(one, guildId, twin(before, one)));
    this.#scopes.set(guildId ?? "", commands);
    return commands;
  }

  /** POST: adds, or replaces the one of the same name and type. */
  upsert(guildId: string | null, wanted: Json): { command: Command; isNew: boolean } {
    const before = this.list(guildId);
    const known = twin(before, wanted);
    this.#writes += 1;
    const command = this.#complete(wanted, guildId, known);
    this.#scopes.set(guildId ?? "", [...before.filter((one) => one !== known), command]);
    return { command, isNew: !known };
  }

  remove(guildId: string | null, id: string): boolean {
    const before = this.list(guildId);
    const after = before.filter((command) => command.id !== id);
    if (after.length === before.length) return false;
    this.#writes += 1;
    this.#scopes.set(guildId ?? "", after);
    return true;
  }

  /** A guild's own command hides the global one of the same name. */
  find(guildId: string | null, name: string): Command | undefined {
    const own = guildId === null ? [] : this.list(guildId);
    return [...own, ...this.list(null)].find((command) => command.name === name);
  }

  describe(): Json {
    const guilds = [...this.#scopes].filter(([scope]) => scope !== "");
    return { global: this.list(null), guilds: Object.fromEntries(guilds), writes: this.#writes };
  }

  reset(): void {
    this.#scopes.clear();
    this.#writes = 0;
  }

  #complete(wanted: Json, guildId: string | null, known: Command | undefined): Command {
    return {
      default_member_permissions: null,
      description: "",
      nsfw: false,
      options: [],
      ...wanted,
      id: known?.id ?? newSnowflake(),
      name: String(wanted["name"]),
      type: Number(wanted["type"] ?? 1),
      application_id: this.#applicationId,
      version: newSnowflake(),
      ...(guildId === null ? {} : { guild_id: guildId }),
    };
  }
}

function twin(commands: readonly Command[], wanted: Json): Command | undefined {
  return commands.find(
    (command) => command.name === wanted["name"] && command.type === Number(wanted["type"] ?? 1),
  );
}

/** Why Discord would refuse this command; undefined if it would not. */
export function commandProblem(command: Json): string | undefined {
  const { name, description } = command;
  const type = Number(command["type"] ?? 1);
  if (typeof name !== "string") return "name: This field is required";
  if (type === 1 && !/^[-_'\p{L}\p{N}]{1,32}$/u.test(name)) return `name: Command name is invalid: ${name}`;
  if (type === 1 && name !== name.toLowerCase()) return `name: Command name must be lowercase: ${name}`;
  const described = typeof description === "string" && description.length >= 1 && description.length <= 100;
  if (type === 1 && !described) return "description: Must be between 1 and 100 in length.";
  return undefined;
}
