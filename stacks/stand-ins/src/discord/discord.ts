import { json } from "../shared/answer.ts";
import { type Environment, listenOn } from "../shared/settings.ts";
import { StandIn } from "../shared/stand-in.ts";
import { commandRoutes } from "./command-routes.ts";
import { Commands } from "./commands.ts";
import { discordControl } from "./control.ts";
import { discordFaults } from "./discord-faults.ts";
import { Events } from "./events.ts";
import { Gateway } from "./gateway.ts";
import { guildRoutes } from "./guild-routes.ts";
import { interactionRoutes } from "./interaction-routes.ts";
import { Interactions } from "./interactions.ts";
import { messageRoutes } from "./message-routes.ts";
import { DiscordOauth } from "./oauth-routes.ts";
import { RateLimits } from "./rate-limits.ts";
import type { Rest } from "./rest.ts";
import { Sent } from "./sent.ts";
import { Sessions } from "./sessions.ts";
import { discordSettings } from "./settings.ts";
import { World } from "./world.ts";

/** Starts Discord's REST API, gateway and OAuth2 on one port. */
export async function startDiscord(
  env: Environment,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const settings = discordSettings(env);
  const faults = discordFaults();
  const world = new World(settings);
  const sessions = new Sessions();
  const rest: Rest = {
    settings,
    world,
    events: new Events(world, sessions),
    commands: new Commands(settings.applicationId),
    interactions: new Interactions(),
    sent: new Sent(),
    limits: new RateLimits(faults),
  };
  const gateway = new Gateway({ settings, world, sessions, faults });
  const oauth = new DiscordOauth(rest);
  const standIn = new StandIn({
    name: "discord",
    ...listenOn(env),
    faults,
    routes: {
      ...oauth.routes(),
      ...guildRoutes(rest),
      ...messageRoutes(rest),
      ...commandRoutes(rest),
      ...interactionRoutes(rest),
    },
    control: discordControl(rest, gateway, sessions),
    faultAnswer: (status) => json({ message: `${status}: fault`, code: 0 }, status),
    reset: () => {
      for (const part of [world, sessions, rest.commands, rest.interactions, rest.limits, oauth])
        part.reset();
      rest.sent.clear();
    },
  });
  standIn.server.on("upgrade", (request, socket, head) => gateway.upgrade(request, socket, head));
  await standIn.listen();
  return {
    url: standIn.url,
    port: standIn.port,
    close: () => {
      gateway.stop();
      return standIn.close();
    },
  };
}
