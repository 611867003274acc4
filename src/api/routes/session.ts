import { accessError } from "../../access/errors.ts";
import { assertStrong } from "../../access/password.ts";
import type { User } from "../../access/user.ts";
import type { Clock } from "../../lib/clock.ts";
import { FailureLimit } from "../../lib/failure-limit.ts";
import { hasCode, messageOf } from "../../lib/platform-error.ts";
import { maySomewhere, type Permission, permissionMeanings } from "../../policy/permissions.ts";
import { audited } from "../audited.ts";
import type { Identity } from "../auth/identity.ts";
import { requireTls } from "../auth/require-tls.ts";
import { endedSessionCookie, sessionCookie } from "../auth/session-cookie.ts";
import { accessEndpoints, type WhoView } from "../contract/access.ts";
import { apiError, LaterError } from "../errors.ts";
import type { ApiParts } from "../parts.ts";
import type { ApiCall, Router } from "../route.ts";

type Signing = Pick<ApiCall<never>, "address" | "agent" | "secure" | "setCookie">;

/** Setting up the owner, signing in and out, and what people change about themselves. */
export function sessionRoutes(router: Router): void {
  const { parts } = router;
  const { access, log } = parts;
  const guesses = new CodeGuesses(parts.clock);

  const signedIn = (user: User, call: Signing, how: string) => startSession(parts, user, { ...call, how });

  router.answer(accessEndpoints.setup, () => ({ needed: access.users.isEmpty() }));

  router.answer(accessEndpoints.setUp, async (call) => {
    const { body, address } = call;
    requireTls(call);
    guesses.assertFew(address);
    try {
      const write = await access.prepareOwner(body);
      const user = audited(
        parts,
        { by: { name: body.email, reason: "", from: address }, action: "user.owner", target: body.email },
        write,
      );
      parts.onSetUp?.();
      return signedIn(user, call, "set-up");
    } catch (error) {
      throw guesses.counted(address, error);
    }
  });

  router.answer(accessEndpoints.signIn, async (call) => {
    const { body, address } = call;
    requireTls(call);
    try {
      return signedIn(await access.signIn.prove({ ...body, address }), call, "password");
    } catch (error) {
      // To the log, which is bounded; the audit trail is for what was done.
      log("warn", `sign-in refused: ${messageOf(error)}`, { address });
      throw laterError(error, access.signIn.retryAfterSeconds(body.email, address));
    }
  });

  router.answer(accessEndpoints.who, ({ identity }) => {
    const user = identity?.user === undefined ? undefined : access.users.get(identity.user);
    return user ? { ...whoOf(user), permissions: permissionsOf(identity) } : whoOfToken(identity);
  });

  router.answer(accessEndpoints.signOut, ({ identity, secure, setCookie, actor }) => {
    const { user, session } = ownSession(router, identity);
    return audited(parts, { by: actor(), action: "session.end", target: user.email }, () => {
      access.sessions.end(session);
      setCookie(endedSessionCookie(secure));
      return { done: true as const };
    });
  });

  router.answer(accessEndpoints.sessions, ({ identity }) => {
    const { user, session } = ownSession(router, identity);
    return {
      sessions: access.sessions.of(user.id).map(({ createdAt, seenAt, address, agent, hash }) => ({
        createdAt,
        seenAt,
        address,
        agent,
        current: hash === session,
      })),
    };
  });

  router.answer(accessEndpoints.signOutEverywhere, ({ identity, secure, setCookie, actor }) => {
    const { user } = ownSession(router, identity);
    return audited(parts, { by: actor(), action: "session.endAll", target: user.email }, (detail) => {
      const ended = access.sessions.endAll(user.id);
      detail({ ended });
      setCookie(endedSessionCookie(secure));
      return { ended };
    });
  });

  router.answer(accessEndpoints.acceptInvitation, async (call) => {
    const { body, address } = call;
    requireTls(call);
    guesses.assertFew(address);
    try {
      const write = await access.prepareAcceptance(body);
      const user = parts.store.transaction(() => {
        const accepted = write();
        access.sessions.endAll(accepted.id);
        return accepted;
      });
      return signedIn(user, call, "invitation");
    } catch (error) {
      throw guesses.counted(address, error);
    }
  });

  selfRoutes(router);
}

/** Signs a person in who has proved who they are, whichever way. */
export function startSession(
  parts: Pick<ApiParts, "access" | "store" | "clock" | "variables">,
  user: User,
  { address, agent, secure, setCookie, how }: Signing & { how: string },
): WhoView {
  const { access, clock } = parts;
  const by = { name: user.email, reason: "", from: address };
  return audited(parts, { by, action: "session.start", target: user.email }, (detail) => {
    const known = access.users.update(user.id, (one) => ({ ...one, lastSignInAt: clock.now() }));
    setCookie(sessionCookie(access.sessions.start(user.id, { address, agent }), secure));
    detail({ how });
    return whoOf(known);
  });
}

function selfRoutes(router: Router): void {
  const { parts } = router;
  const { access } = parts;
  const done = { done: true as const };

  router.answer(accessEndpoints.changePassword, async ({ body, identity, actor }) => {
    const { user, session } = ownSession(router, identity);
    assertStrong(body.newPassword, user);
    const write = await access.prepareNewPassword(user, body);
    return audited(parts, { by: actor(), action: "user.password", target: user.email }, (detail) => {
      write();
      detail({ otherSessionsEnded: access.sessions.endAll(user.id, session) });
      return done;
    });
  });

  router.answer(accessEndpoints.beginSecondFactor, async ({ body, identity }) => {
    const { user } = ownSession(router, identity);
    await access.assertPassword(user, body.password);
    const present = access.users.get(user.id) ?? user;
    if (present.totp?.confirmed)
      throw apiError("API_INPUT_INVALID", "there is a second factor already; remove it first");
    return access.secondFactor.begin(present);
  });

  router.answer(accessEndpoints.confirmSecondFactor, ({ body, identity, actor }) => {
    const { user, session } = ownSession(router, identity);
    return audited(parts, { by: actor(), action: "user.secondFactor", target: user.email }, (detail) => {
      const recoveryCodes = access.secondFactor.confirm(user, body.code);
      access.sessions.endAll(user.id, session);
      detail({ before: false, after: true });
      return { recoveryCodes };
    });
  });

  router.answer(accessEndpoints.removeSecondFactor, async ({ body, identity, actor }) => {
    const { user } = ownSession(router, identity);
    await access.assertPassword(user, body.password);
    return audited(parts, { by: actor(), action: "user.secondFactor", target: user.email }, (detail) => {
      access.secondFactor.remove(user);
      detail({ before: user.totp?.confirmed === true, after: false });
      return done;
    });
  });
}

/** Set-up and invitation codes are long; this keeps logs and the processor quiet all the same. */
class CodeGuesses {
  readonly #limit: FailureLimit;

  constructor(clock: Clock) {
    this.#limit = new FailureLimit(clock, { failures: 10, windowMs: 15 * 60_000 });
  }

  assertFew(address: string): void {
    if (!this.#limit.isReached(address)) return;
    const error = accessError("ACCESS_TOO_MANY_ATTEMPTS", "too many wrong codes from this address");
    throw laterError(error, this.#limit.retryAfterSeconds(address));
  }

  counted(address: string, error: unknown): unknown {
    if (hasCode(error, "ACCESS_SETUP_CODE_WRONG") || hasCode(error, "ACCESS_INVITATION_INVALID"))
      this.#limit.count(address);
    return error;
  }
}

function laterError(error: unknown, seconds: number): unknown {
  return hasCode(error, "ACCESS_TOO_MANY_ATTEMPTS") ? new LaterError(error, seconds) : error;
}

/** Tokens change nothing about how a person signs in. */
function ownSession(router: Router, identity: Identity | undefined): { user: User; session: string } {
  const { user: id, session } = identity ?? {};
  const user = id === undefined ? undefined : router.parts.access.users.get(id);
  if (!user || session === undefined)
    throw apiError("API_FORBIDDEN", "this is for people who are signed in, not for tokens");
  return { user, session };
}

function whoOf(user: User): WhoView {
  const { email, name, grants } = user;
  const secondFactor = user.totp?.confirmed === true;
  return { user: { email, name, roles: grants, secondFactor }, permissions: permissionsOf(user) };
}

function whoOfToken(identity: Identity | undefined): WhoView {
  if (!identity) throw accessError("ACCESS_SIGN_IN_REFUSED", "nobody is signed in");
  const { name, grants } = identity;
  return {
    user: { email: "", name, roles: grants, secondFactor: false },
    permissions: permissionsOf(identity),
  };
}

function permissionsOf(held: Pick<Identity, "grants"> | undefined): Permission[] {
  const all = Object.keys(permissionMeanings) as Permission[];
  return all.filter((permission) => maySomewhere(held?.grants ?? [], permission));
}
