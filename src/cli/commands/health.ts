import type { ApiClient } from "../../api/contract/client.ts";
import { assertServices, chooseScope, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { type HealthLine, isWell, readyCount, renderHealth, renderHealthUrls } from "../render/health.ts";
import { answer } from "../terminal.ts";

export const healthCommand: CommandSpec = {
  name: "health",
  summary: "Say whether the services are well; exit code 1 when one is not",
  description:
    "One line for each service. A stopped service is meant to be down and does not count as ill. `--urls` asks every public address through the edge, now, as a visitor would.",
  arguments: [{ name: "[services...]", description: "services (default: all of the stack)" }],
  options: [
    stackOption,
    { flags: "-a, --all", description: "all stacks and environments" },
    { flags: "--urls", description: "public addresses instead, with --all those of every stack" },
  ],
  examples: [
    { command: "roadstead health --all", meaning: "everything, for a cron job" },
    { command: "roadstead health api", meaning: "one service" },
    { command: "roadstead health --urls --all", meaning: "every public address, asked from outside" },
  ],
  json: "document",
  exits: [1, 3],
  run: health,
};

async function health(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  if (invocation.options.flag("urls")) return await healthUrls(invocation, client);
  const lines = invocation.options.flag("all")
    ? await everything(invocation, client)
    : await oneStack(invocation, client);
  const well = lines.every((line) => line.ok);
  answer(invocation, { ok: well, services: lines }, (style) => renderHealth(lines, style));
  return well ? 0 : 1;
}

async function healthUrls(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const { options, words, context } = invocation;
  const status = options.flag("all") ? undefined : await chooseScope(invocation, client);
  if (status) assertServices(status, words);
  const { urls } = await client.system.healthUrls({ signal: context.signal });
  const wanted = urls.filter(
    ({ scope, service }) =>
      status === undefined ||
      (scope.stack === status.scope.stack &&
        scope.environment === status.scope.environment &&
        (words.length === 0 || words.includes(service))),
  );
  const ok = wanted.every((one) => one.ok);
  answer(invocation, { ok, urls: wanted }, (style) => renderHealthUrls(wanted, style));
  return ok ? 0 : 1;
}

async function everything(invocation: Invocation, client: ApiClient): Promise<readonly HealthLine[]> {
  return (await client.system.healthAll({ signal: invocation.context.signal })).services;
}

async function oneStack(invocation: Invocation, client: ApiClient): Promise<readonly HealthLine[]> {
  const { words } = invocation;
  const status = await chooseScope(invocation, client);
  assertServices(status, words);
  return status.services
    .filter((service) => words.length === 0 || words.includes(service.name))
    .map((service) => ({
      scope: status.scope,
      service: service.name,
      ok: isWell(service),
      state: service.state,
      ready: readyCount(service),
      wanted: service.wanted,
      ...(service.message === undefined ? {} : { message: service.message }),
    }));
}
