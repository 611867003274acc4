import type { Grant } from "../policy/permissions.ts";

export type UserId = string & { readonly brand: "UserId" };

/** A person. What proves them (hashes, keys of their devices) never leaves this folder. */
export type User = {
  id: UserId;
  /** Lower case; what they sign in with and how the audit trail names them. */
  email: string;
  name: string;
  grants: readonly Grant[];
  createdAt: number;
  /** Signs in no more; sessions and tokens are refused. */
  disabledAt?: number;
  lastSignInAt?: number;
  /** In PHC form; absent until an invitation is taken, or for those who come by a provider only. */
  password?: string;
  totp?: Totp;
  /** Hashes of the recovery codes that are left. */
  recovery?: readonly string[];
  /** Accounts elsewhere that are this person. */
  accounts?: readonly { provider: string; subject: string }[];
};

/** `secret`: its version in the store's encrypted part. `usedStep`: no code counts twice. */
export type Totp = { secret: string; usedStep: number; confirmed: boolean };

/** What others may see of a user. */
export type UserView = Pick<User, "id" | "email" | "name" | "grants" | "createdAt"> & {
  disabled: boolean;
  /** Waits for the invitation to be taken. */
  invited: boolean;
  secondFactor: boolean;
  lastSignInAt?: number;
};

export function viewUser(user: User): UserView {
  const { id, email, name, grants, createdAt, lastSignInAt } = user;
  return {
    id,
    email,
    name,
    grants,
    createdAt,
    disabled: user.disabledAt !== undefined,
    invited: user.password === undefined && (user.accounts ?? []).length === 0,
    secondFactor: user.totp?.confirmed === true,
    ...(lastSignInAt === undefined ? {} : { lastSignInAt }),
  };
}
