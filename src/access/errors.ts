import { PlatformError } from "../lib/platform-error.ts";

/** Code -> what the person can do about it. */
export const accessErrorHints = {
  ACCESS_SIGN_IN_REFUSED: "Check the e-mail address, the password and, if one is set up, the six digits.",
  ACCESS_CODE_NEEDED: "Enter the six digits of your authenticator app, or a recovery code.",
  ACCESS_TOO_MANY_ATTEMPTS: "Wait for the time in Retry-After; whoever is signed in stays so.",
  ACCESS_BUSY: "Many people sign in at this moment; try again in a few seconds.",
  ACCESS_SETUP_CODE_WRONG:
    "The code is in the file `setup-code` of the home folder; `roadstead up` prints it.",
  ACCESS_ALREADY_SET_UP: "There is an owner: sign in, or have an administrator invite you.",
  ACCESS_INVITATION_INVALID: "Invitations count once and for three days; ask for a new one.",
  ACCESS_PASSWORD_WEAK: "Twelve characters or more; a few words that do not belong together are best.",
  ACCESS_USER_EXISTS: "Grant the present user more instead: `roadstead user grant`.",
  ACCESS_USER_UNKNOWN: "`roadstead user list` shows who there is.",
  ACCESS_LAST_ADMIN: "Make somebody else an administrator of everything first.",
  ACCESS_TOO_MANY_USERS: "Remove users who have gone.",
  ACCESS_TOTP_WRONG: "The codes change every 30 seconds; check that the clock of your phone is right.",
  ACCESS_PROVIDER_UNKNOWN: "An administrator sets sign-in providers up: `roadstead user provider`.",
  ACCESS_PROVIDER_FAILED:
    "Try again; if it stays, an administrator checks issuer, client and redirect address.",
  ACCESS_NOT_INVITED: "Ask an administrator to invite you under the e-mail address that your provider knows.",
} as const;

export type AccessErrorCode = keyof typeof accessErrorHints;

/** A refusal about users and sessions, with its code's standing hint. */
export function accessError(code: AccessErrorCode, message: string, cause?: unknown): PlatformError {
  return new PlatformError(code, message, {
    hint: accessErrorHints[code],
    ...(cause === undefined ? {} : { cause }),
  });
}
