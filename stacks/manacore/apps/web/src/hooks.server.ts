import type { Handle, RequestEvent } from "@sveltejs/kit";
import { refresh, session } from "$lib/server/auth-service";
import { dropSession, keepSession, readSession } from "$lib/server/session-cookies";
import { project, version } from "$lib/server/settings";

/** Who is signed in, before any page is made. The session lives in the auth service: ended there is ended here. */
export const handle: Handle = async ({ event, resolve }) => {
  const needsSession = project() !== "memoro" && event.route.id !== "/api/health";
  if (needsSession) await restoreSession(event);
  const response = await resolve(event);
  response.headers.set("X-App-Version", version());
  return response;
};

async function restoreSession({ cookies, locals, url }: RequestEvent): Promise<void> {
  const { manaToken, refreshToken } = readSession(cookies);
  if (!refreshToken) return;
  if (manaToken) {
    const answer = await session(refreshToken);
    if (answer.ok) {
      locals.user = answer.body.user;
      locals.manaToken = manaToken;
    } else if (answer.status === 401) dropSession(cookies);
    return;
  }
  const renewed = await refresh(refreshToken);
  if (renewed.ok) {
    keepSession(cookies, renewed.body, url);
    locals.user = renewed.body.user;
    locals.manaToken = renewed.body.manaToken;
  } else if (renewed.status === 401) dropSession(cookies);
}
