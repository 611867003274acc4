import { type Answer, json, noContent } from "../shared/answer.ts";
import { BadCall, type Call, isObject, type Json, parseJson } from "../shared/call.ts";
import type { Handler, Routes } from "../shared/route.ts";
import { commandProblem } from "./commands.ts";
import { botRoutes, invalidForm, type Rest, unknown } from "./rest.ts";

/** Registration of application commands, globally and for a guild. */
export function commandRoutes(rest: Rest): Routes {
  const routes: Routes = {};
  for (const base of ["/applications/:app/commands", "/applications/:app/guilds/:guild/commands"]) {
    routes[`GET ${base}`] = scoped(rest, (scope) => json(rest.commands.list(scope)));
    routes[`PUT ${base}`] = scoped(rest, (scope, call) => replace(rest, scope, call));
    routes[`POST ${base}`] = scoped(rest, (scope, call) => add(rest, scope, call));
    routes[`GET ${base}/:command`] = scoped(rest, (scope, call) => {
      const found = rest.commands.list(scope).find(({ id }) => id === call.param("command"));
      return found ? json(found) : unknown.command;
    });
    routes[`DELETE ${base}/:command`] = scoped(rest, (scope, call) =>
      rest.commands.remove(scope, call.param("command")) ? noContent : unknown.command,
    );
  }
  return botRoutes(rest, routes);
}

function scoped(rest: Rest, act: (guildId: string | null, call: Call) => Answer): Handler {
  return (call) => {
    if (call.param("app") !== rest.settings.applicationId)
      return { status: 403, body: { message: "Missing Access", code: 50001 } };
    const guildId = call.params["guild"] ?? null;
    if (guildId !== null && !rest.world.guilds.has(guildId)) return unknown.guild;
    return act(guildId, call);
  };
}

function replace(rest: Rest, scope: string | null, call: Call): Answer {
  const wanted = parseJson(call.body.toString("utf8"));
  if (!Array.isArray(wanted) || !wanted.every(isObject)) throw new BadCall("a list of commands is expected");
  if (wanted.length > 100) return invalidForm("Must be 100 or fewer in length.");
  for (const command of wanted as Json[]) {
    const problem = commandProblem(command);
    if (problem) return invalidForm(problem);
  }
  return json(rest.commands.replace(scope, wanted));
}

function add(rest: Rest, scope: string | null, call: Call): Answer {
  const wanted = call.json();
  const problem = commandProblem(wanted);
  if (problem) return invalidForm(problem);
  const { command, isNew } = rest.commands.upsert(scope, wanted);
  return json(command, isNew ? 201 : 200);
}
