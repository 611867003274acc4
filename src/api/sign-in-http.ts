import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { messageOf, PlatformError } from "../lib/platform-error.ts";
import { requireTls } from "./auth/require-tls.ts";
import { cookieOf } from "./auth/session-cookie.ts";
import type { ApiParts } from "./parts.ts";
import { isSecure } from "./route.ts";
import { startSession } from "./routes/session.ts";

type Named = { Params: { name: string } };

const cookieName = "roadstead_sign_in";

/**
 * Sign-in with an account elsewhere, in the browser: `GET /sign-in/NAME` sends it to the provider, which sends it back to
 * `/sign-in/NAME/callback`. The cookie of the way there is Lax, because the way back begins at another site; it proves
 * that the same browser began. A failure ends on the page, with its code.
 */
export function signInRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { providers } = parts.access;
  const route = { exposeHeadRoute: false, config: { access: "anonymous" as const } };

  app.get<Named>("/sign-in/:name", route, async (request, reply) => {
    const { name } = request.params;
    return await orPage(parts, request, reply, async () => {
      requireTls({ secure: isSecure(request), address: request.ip });
      const { url, flow } = await providers.begin(name, `${originOf(request)}/sign-in/${name}/callback`);
      return reply.header("set-cookie", flowCookie(flow, 600, isSecure(request))).redirect(url);
    });
  });

  app.get<Named>("/sign-in/:name/callback", route, async (request, reply) => {
    const { name } = request.params;
    return await orPage(parts, request, reply, async () => {
      const secure = isSecure(request);
      const flow = cookieOf(request.headers, cookieName, /^[A-Za-z0-9_-]{20,100}$/) ?? "";
      const user = await providers.finish(name, flow, request.url.split("?").slice(1).join("?"));
      const cookies = [flowCookie("", 0, secure)];
      startSession(parts, user, {
        address: request.ip,
        agent: String(request.headers["user-agent"] ?? ""),
        secure,
        setCookie: (cookie) => cookies.push(cookie),
        how: name,
      });
      return reply.header("set-cookie", cookies).redirect("/");
    });
  });
}

async function orPage(
  parts: ApiParts,
  request: FastifyRequest,
  reply: FastifyReply,
  work: () => Promise<FastifyReply>,
): Promise<FastifyReply> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    parts.log("warn", `sign-in refused: ${messageOf(error)}`, { address: request.ip, requestId: request.id });
    return reply.redirect(`/?signInError=${encodeURIComponent(error.code)}`);
  }
}

function originOf(request: FastifyRequest): string {
  return `${isSecure(request) ? "https" : "http"}://${request.headers.host ?? ""}`;
}

function flowCookie(flow: string, maxAge: number, secure: boolean): string {
  const attributes = [
    `${cookieName}=${flow}`,
    "Path=/sign-in",
    `Max-Age=${maxAge}`,
    "HttpOnly",
    "SameSite=Lax",
  ];
  return [...attributes, ...(secure ? ["Secure"] : [])].join("; ");
}
