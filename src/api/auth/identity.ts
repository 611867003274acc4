import type { Grant } from "../../policy/permissions.ts";

/** Somebody who proved who they are, and what they may do at this moment. */
export type Identity = {
  /** As the audit trail names them: the user's e-mail address, or the token's name. */
  name: string;
  /** Other names of the same person, such as that of their commits: four eyes are four eyes. */
  aliases: readonly string[];
  grants: readonly Grant[];
  /** Id of the user; absent for a token that belongs to nobody. */
  user?: string;
  /** Hash of the session's id; absent for tokens. */
  session?: string;
};
