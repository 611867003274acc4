import { addressTexts } from "../references.ts";
import { composeServices, type LintRule } from "./rule.ts";

const pattern = /(?:([a-z][a-z0-9+.-]*):\/\/(?:[^\s/@]*@)?)?(localhost|127\.0\.0\.1|\[::1\]):(\d{1,5})\b/gi;

/** Names of values that are for the user's browser, where localhost may be meant. */
const forBrowsers =
  /PUBLIC|CORS|ORIGIN|CALLBACK|REDIRECT|(BASE|AUTH|APP|SITE|FRONTEND|EXTERNAL)_?UR[LI]|NEXTAUTH|VITE_/i;

/** `localhost` with a port of another service: inside a container that is the container itself. */
export const localhostAddresses: LintRule = (context, tell) => {
  const services = composeServices(context);
  for (const [name, compose, service] of services) {
    if (compose.network_mode === "host") continue;
    const own = new Set(service.ports.map(({ port }) => port));
    for (const { path, text } of addressTexts(name, compose)) {
      if (forBrowsers.test(path.slice(path.lastIndexOf(".") + 1))) continue;
      for (const [, scheme, host, digits] of text.matchAll(pattern)) {
        const port = Number(digits);
        const target = own.has(port)
          ? undefined
          : services.find(
              ([other, , { ports }]) =>
                other !== name &&
                ports.some((known) => known.port === port || known.published?.port === port),
            );
        if (!target) continue;
        const [targetName, , { ports }] = target;
        const inside =
          ports.find((known) => known.port === port || known.published?.port === port)?.port ?? port;
        const certain = scheme !== undefined && !/^(https?|wss?)$/i.test(scheme);
        tell(certain ? "error" : "warning", "LOCALHOST_ADDRESS", {
          path,
          message: `${host}:${port} is this service itself; port ${port} belongs to ${targetName}`,
          fix: `write ${targetName}:${inside}`,
        });
      }
    }
  }
};
