import { isObject } from "../shared/call.ts";
import { Faults } from "../shared/faults.ts";

export type Stage = "connect" | "auth" | "from" | "to" | "data";
export type SmtpFault = { stage: Stage; code: number };
export type MailFaults = { smtp: SmtpFault | null };

const stages = ["connect", "auth", "from", "to", "data"];

const isSmtpFault = (value: unknown): boolean =>
  value === null ||
  (isObject(value) &&
    stages.includes(String(value["stage"])) &&
    Number.isInteger(value["code"]) &&
    Number(value["code"]) >= 400 &&
    Number(value["code"]) <= 599);

export const mailFaults = () =>
  new Faults<MailFaults>({ defaults: { smtp: null }, checks: { smtp: isSmtpFault } });
