import type { GrantView, UserView } from "../../api/contract/access.ts";
import type { ApiClient } from "../../api/contract/client.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { notFound, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { grantOf, grantOptions, grantText, placeOf, samePlace } from "../grant-options.ts";
import { readSecret } from "../read-secret.ts";
import { renderTable } from "../render/table.ts";
import { ago, left } from "../render/time.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

export const userCommand: CommandSpec = {
  name: "user",
  summary: "List, invite and change users, and say what each may do",
  description:
    "add and reset print a one-time code to set a password with; it is good for three days. Hand it over in person or by a channel that you trust. A role counts where --stack and --env say, else everywhere; a grant replaces the earlier one of the same place. provider sets an OpenID Connect provider up, the client's secret from standard input; without --issuer it removes one.",
  arguments: [
    {
      name: "[action]",
      description: "list (default), add, grant, revoke, disable, enable, reset or provider",
    },
    { name: "[email]", description: "of the user; provider: its name" },
  ],
  options: [
    ...grantOptions,
    { flags: "--name <name>", description: "add: how they are called; provider: its title" },
    { flags: "--issuer <url>", description: "provider: its issuer, e.g. https://accounts.google.com" },
    { flags: "--client-id <id>", description: "provider: id of the client registered there" },
  ],
  examples: [
    { command: "roadstead user add bo@example.com --role developer --stack shop", meaning: "prints a code" },
    {
      command: "roadstead user grant bo@example.com --role operator --stack shop --env staging",
      meaning: "more, there",
    },
    { command: "roadstead user disable bo@example.com", meaning: "signed out at once; tokens end too" },
  ],
  json: "document",
  exits: [1, 3],
  run: user,
};

const actions = ["list", "add", "grant", "revoke", "disable", "enable", "reset", "provider"];

async function user(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", email] = invocation.words;
  if (!actions.includes(action))
    throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  const client = await connect(invocation);
  if (action === "list") return await list(invocation, client);
  if (email === undefined) throw usageError("which user?", `Write roadstead user ${action} EMAIL`);
  if (action === "add") return await add(invocation, client, email);
  if (action === "provider") return await provider(invocation, client, email);
  const found = await find(client, email);
  if (action === "reset") {
    const made = await client.access.resetUser({ params: { id: found.id } });
    return handOut(invocation, made);
  }
  const changed = await client.access.changeUser({
    params: { id: found.id },
    body: changeOf(invocation, action, found),
  });
  answer(invocation, changed, () => `${changed.email}: ${textOf(changed)}\n`);
  return 0;
}

async function list(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const found = await client.access.users();
  const now = invocation.context.now();
  answer(invocation, found, (style) => {
    if (found.users.length === 0)
      return "There are no users yet. The first person sets the owner up in the browser, with the code of roadstead up.\n";
    const rows = found.users.map((one) => [
      one.email,
      one.name,
      textOf(one),
      one.secondFactor ? "yes" : "no",
      one.lastSignInAt === undefined ? "never" : ago(one.lastSignInAt, now),
    ]);
    return renderTable(["E-MAIL", "NAME", "MAY", "2ND FACTOR", "SIGNED IN"], rows, style);
  });
  return 0;
}

async function add(invocation: Invocation, client: ApiClient, email: string): Promise<ExitCode> {
  const grant = grantOf(invocation);
  const name = invocation.options.text("name");
  const body = { email, grants: grant ? [grant] : [], ...(name === undefined ? {} : { name }) };
  return handOut(invocation, await client.access.invite({ body }));
}

async function provider(invocation: Invocation, client: ApiClient, name: string): Promise<ExitCode> {
  const { options, settings } = invocation;
  const [issuer, clientId] = [options.text("issuer"), options.text("clientId")];
  if (issuer === undefined) {
    await client.access.removeProvider({ params: { name } });
    answer(invocation, { removed: name }, () => `removed ${name}\n`);
    return 0;
  }
  if (clientId === undefined) throw usageError("which client?", "Say it with --client-id.");
  const clientSecret = await readSecret(invocation, "the client's secret");
  const body = { title: options.text("name") ?? name, issuer, clientId, clientSecret };
  const saved = await client.access.saveProvider({ params: { name }, body });
  answer(invocation, saved, () => `${saved.title}: people start at ${settings.host}/sign-in/${name}\n`);
  return 0;
}

function handOut(invocation: Invocation, made: { user: UserView; code: string; until: number }): ExitCode {
  answer(invocation, made, () => `${made.code}\n`);
  say(
    invocation.context,
    `${made.user.email}: ${textOf(made.user)}. The code sets the password at ${invocation.settings.host}/invitation, once (${left(made.until, invocation.context.now())}).`,
  );
  return 0;
}

function changeOf(invocation: Invocation, action: string, { grants }: UserView) {
  if (action === "disable" || action === "enable") return { disabled: action === "disable" };
  const others = grants.filter((grant) => !samePlace(grant, placeOf(invocation)));
  if (action === "revoke") {
    if (others.length === grants.length) throw notFound("there is no grant for that place");
    return { grants: others };
  }
  const grant = grantOf(invocation);
  if (!grant) throw usageError("which role?", "Say it with --role.");
  return { grants: [...others, grant] };
}

async function find(client: ApiClient, email: string): Promise<UserView> {
  const { users } = await client.access.users();
  const found = users.find((one) => one.email === email.toLowerCase() || one.id === email);
  if (found) return found;
  const known = users.map((one) => one.email);
  throw notFound(`there is no user ${email}`, suggestionHint(email, known, "user"));
}

function textOf({
  grants,
  disabled,
  invited,
}: Pick<UserView, "disabled" | "invited"> & { grants: readonly GrantView[] }): string {
  const may = grants.length === 0 ? "nothing yet" : grants.map(grantText).join(", ");
  if (disabled) return `disabled (${may})`;
  return invited ? `invited (${may})` : may;
}
