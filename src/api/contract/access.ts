import { z } from "zod";
import { endpoint, list, name } from "./endpoint.ts";

const roleSchema = z.enum(["viewer", "developer", "approver", "operator", "admin"]);
const permissionSchema = z.enum(["self", "read", "develop", "approve", "operate", "administer"]);

/** A role where it counts: without a stack on every stack, without an environment in every environment. */
export const grantSchema = z
  .object({ role: roleSchema, stack: name.exactOptional(), environment: name.exactOptional() })
  .meta({ id: "Grant" });
export type GrantView = z.output<typeof grantSchema>;

export const userSchema = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    grants: list(grantSchema),
    createdAt: z.number(),
    lastSignInAt: z.number().exactOptional(),
    disabled: z.boolean(),
    /** Has not signed in yet: waits for the invitation to be taken. */
    invited: z.boolean(),
    secondFactor: z.boolean(),
  })
  .meta({ id: "User" });
export type UserView = z.output<typeof userSchema>;

const whoSchema = z
  .object({
    user: z.object({
      email: z.string(),
      name: z.string(),
      roles: list(grantSchema),
      secondFactor: z.boolean(),
    }),
    /** Held somewhere, or everywhere: what a page shows at all. Each answer still decides for itself. */
    permissions: list(permissionSchema),
  })
  .meta({ id: "Who" });
export type WhoView = z.output<typeof whoSchema>;

const email = z
  .string()
  .trim()
  .max(254)
  .regex(/^[^\s@]+@[^\s@]+$/, "an e-mail address");
const personName = z.string().trim().min(1).max(100);
const password = z.string().min(1).max(1000);
const code = z.string().trim().min(1).max(100);
const grants = z.array(grantSchema).max(50);
const byId = z.object({ id: z.string().min(1).max(100) });
const done = z.object({ done: z.literal(true) });

const providerName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, "lower-case letters, digits, `-`");
const providerSchema = z
  .object({ name: providerName, title: z.string(), issuer: z.url().max(500), clientId: z.string() })
  .meta({ id: "SignInProvider" });

/** Where a password is set with it: `<origin>/invitation#<code>`; the part after `#` reaches no server log. */
const invitationSchema = z.object({ user: userSchema, code: z.string(), until: z.number() });

export const accessEndpoints = {
  setup: endpoint({
    method: "GET",
    path: "/setup",
    summary: "Whether the owner has still to be set up.",
    anonymous: true,
    response: z.object({ needed: z.boolean() }),
  }),
  setUp: endpoint({
    method: "POST",
    path: "/setup",
    summary: "Makes the owner, with the code that `up` printed, and signs them in.",
    anonymous: true,
    body: z.object({ code, email, name: personName, password }),
    status: 201,
    response: whoSchema,
  }),
  signIn: endpoint({
    method: "POST",
    path: "/session",
    summary: "Signs in: e-mail address, password and, where set up, the six digits or a recovery code.",
    anonymous: true,
    body: z.object({ email: z.string().min(1).max(300), password, code: code.exactOptional() }),
    response: whoSchema,
  }),
  who: endpoint({
    method: "GET",
    path: "/session",
    summary: "Who is signed in, and what they may do.",
    needs: "self",
    response: whoSchema,
  }),
  signOut: endpoint({
    method: "DELETE",
    path: "/session",
    summary: "Signs out.",
    needs: "self",
    response: done,
  }),
  sessions: endpoint({
    method: "GET",
    path: "/sessions",
    summary: "Where one is signed in.",
    needs: "self",
    response: z.object({
      sessions: list(
        z.object({
          createdAt: z.number(),
          seenAt: z.number(),
          address: z.string(),
          agent: z.string(),
          current: z.boolean(),
        }),
      ),
    }),
  }),
  signOutEverywhere: endpoint({
    method: "DELETE",
    path: "/sessions",
    summary: "Signs out everywhere, here too.",
    needs: "self",
    response: z.object({ ended: z.number().int() }),
  }),
  changePassword: endpoint({
    method: "POST",
    path: "/session/password",
    summary: "Changes one's password; every other session ends.",
    needs: "self",
    body: z.object({ password, newPassword: password }),
    response: done,
  }),
  beginSecondFactor: endpoint({
    method: "POST",
    path: "/session/second-factor",
    summary: "A secret for an authenticator app; it counts once `confirm` got a right code.",
    needs: "self",
    body: z.object({ password }),
    response: z.object({ secret: z.string(), uri: z.string() }),
  }),
  confirmSecondFactor: endpoint({
    method: "POST",
    path: "/session/second-factor/confirm",
    summary: "Turns the second factor on; answers the recovery codes, this once.",
    needs: "self",
    body: z.object({ code }),
    response: z.object({ recoveryCodes: list(z.string()) }),
  }),
  removeSecondFactor: endpoint({
    method: "POST",
    path: "/session/second-factor/remove",
    summary: "Turns the second factor off.",
    needs: "self",
    body: z.object({ password }),
    response: done,
  }),
  acceptInvitation: endpoint({
    method: "POST",
    path: "/invitations/accept",
    summary: "Sets the first or a new password with a one-time code, and signs in.",
    anonymous: true,
    body: z.object({ code, password, name: personName.exactOptional() }),
    response: whoSchema,
  }),
  users: endpoint({
    method: "GET",
    path: "/users",
    summary: "All users with their roles.",
    needs: "administer",
    response: z.object({ users: list(userSchema) }),
  }),
  invite: endpoint({
    method: "POST",
    path: "/users",
    summary: "Makes a user and a one-time code to set the password with, good for three days.",
    needs: "administer",
    body: z.object({ email, name: personName.exactOptional(), grants }),
    status: 201,
    response: invitationSchema,
  }),
  changeUser: endpoint({
    method: "POST",
    path: "/users/:id",
    summary: "Changes what somebody may do, or keeps them out.",
    needs: "administer",
    params: byId,
    body: z.object({
      name: personName.exactOptional(),
      grants: grants.exactOptional(),
      disabled: z.boolean().exactOptional(),
      reason: z.string().max(1000).default(""),
    }),
    response: userSchema,
  }),
  resetUser: endpoint({
    method: "POST",
    path: "/users/:id/reset",
    summary: "Takes password and second factor away, signs them out, and answers a new one-time code.",
    needs: "administer",
    params: byId,
    response: invitationSchema,
  }),
  providers: endpoint({
    method: "GET",
    path: "/sign-in-providers",
    summary: "Where one can sign in with an account elsewhere; start at `/sign-in/<name>`.",
    anonymous: true,
    response: z.object({ providers: list(z.object({ name: z.string(), title: z.string() })) }),
  }),
  saveProvider: endpoint({
    method: "POST",
    path: "/sign-in-providers/:name",
    summary: "Sets an OpenID Connect provider up.",
    needs: "administer",
    params: z.object({ name: providerName }),
    body: z.object({
      title: personName,
      issuer: z.url().max(500),
      clientId: z.string().min(1).max(300),
      clientSecret: z.string().min(1).max(1000),
    }),
    response: providerSchema,
  }),
  removeProvider: endpoint({
    method: "DELETE",
    path: "/sign-in-providers/:name",
    summary: "Removes a provider; who came by it needs another way in.",
    needs: "administer",
    params: z.object({ name: providerName }),
    response: done,
  }),
};
