import { type Environment, numberFrom } from "../shared/settings.ts";

export type MailSettings = { smtpPort: number; host: string; name: string; user: string; password: string };

export function mailSettings(env: Environment): MailSettings {
  return {
    smtpPort: numberFrom(env, "SMTP_PORT", 2525),
    host: env["HOST"] || "0.0.0.0",
    name: env["SMTP_NAME"] || "mail",
    user: env["SMTP_USER"] || "stand-in",
    password: env["SMTP_PASS"] || "stand-in-password",
  };
}
