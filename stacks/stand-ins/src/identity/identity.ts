import { json } from "../shared/answer.ts";
import { BadCall, listOf, textOf } from "../shared/call.ts";
import { Faults } from "../shared/faults.ts";
import { type Environment, listenOn } from "../shared/settings.ts";
import { StandIn } from "../shared/stand-in.ts";
import { Github } from "./github.ts";
import { Google } from "./google.ts";
import { OidcStore } from "./oidc-store.ts";
import { People } from "./people.ts";
import { identitySettings } from "./settings.ts";

/** Starts the sign-in services. */
export async function startIdentity(env: Environment): Promise<StandIn> {
  const settings = identitySettings(env);
  const redirectUrisAtStart = settings.redirectUris;
  const people = new People();
  const github = new Github(settings, people);
  // The issuer holds the port, which is known once the server listens.
  let google: Google | undefined;
  const standIn = new StandIn({
    name: "identity",
    ...listenOn(env),
    faults: new Faults({ defaults: {}, checks: {} }),
    takeOver: (request, response) => google?.takeOver(request, response) ?? false,
    routes: {
      ...github.routes(),
      "GET /sign-in/:uid": (call) => google?.page(call),
      "POST /sign-in/:uid": (call) => google?.decide(call),
    },
    control: {
      "GET /_stand-in/people": () => json(people.all),
      "POST /_stand-in/people": (call) => {
        const body = call.json();
        const verified = body["emailVerified"] !== false;
        return json(people.add(textOf(body, "email"), textOf(body, "name"), verified), 201);
      },
      "POST /_stand-in/redirect-uris": (call) => {
        const uris = listOf(call.json(), "uris").map(String);
        if (!uris.every((uri) => /^https?:\/\//.test(uri))) throw new BadCall("uris must be http(s) URIs");
        settings.redirectUris = uris;
        return json({ uris });
      },
    },
    reset: () => {
      people.reset();
      github.reset();
      OidcStore.clear();
      settings.redirectUris = redirectUrisAtStart;
    },
  });
  await standIn.listen();
  google = new Google(settings.publicUrl || `http://localhost:${standIn.port}`, settings, people);
  return standIn;
}
