/** Tokens whose makers gave them a form of their own. Sources: each maker's documentation of its token formats. */
export type SecretRule = { name: string; pattern: RegExp };

export const secretRules: readonly SecretRule[] = [
  { name: "github-token", pattern: /\bgh[pousr]_[A-Za-z0-9]{36,251}\b/ },
  { name: "github-token", pattern: /\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b/ },
  { name: "aws-access-key", pattern: /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/ },
  {
    name: "aws-secret-key",
    pattern: /aws_?secret_?(?:access_?)?key\W{1,5}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/i,
  },
  { name: "slack-token", pattern: /\bxox[abeoprs]-[0-9]{8,}-[A-Za-z0-9-]{10,}/ },
  { name: "slack-app-token", pattern: /\bxapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{32,}/ },
  {
    name: "slack-webhook",
    pattern: /hooks\.slack\.com\/services\/T[A-Z0-9]{6,}\/B[A-Z0-9]{6,}\/[A-Za-z0-9]{20,}/,
  },
  {
    name: "discord-bot-token",
    pattern: /\b[MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,40}\b/,
  },
  { name: "discord-webhook", pattern: /discord(?:app)?\.com\/api\/webhooks\/\d{17,20}\/[A-Za-z\d_-]{60,}/ },
  { name: "stripe-key", pattern: /\b[sr]k_live_[A-Za-z0-9]{20,}\b/ },
  { name: "npm-token", pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { name: "npm-token", pattern: /_authToken\s*=\s*(?!\$\{)[A-Za-z0-9_-]{20,}/ },
  { name: "google-api-key", pattern: /\bAIza[A-Za-z0-9_-]{35}\b/ },
  { name: "openai-key", pattern: /\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}/ },
  { name: "anthropic-key", pattern: /\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{80,}/ },
  { name: "gitlab-token", pattern: /\bglpat-[A-Za-z0-9_-]{20,}\b/ },
  { name: "telegram-bot-token", pattern: /\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b/ },
];

const keyHead = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(.*)$/;
const keyBody = /^[\s"'`+,|]*(?:[A-Za-z0-9+/=]{40,}|Proc-Type:|Version:)/;

/** A key's first line with something of the key behind it: code that only writes or reads the frame is none. */
export function isPrivateKey(line: string, next: string): boolean {
  const rest = keyHead.exec(line)?.[1];
  return rest !== undefined && (/^(?:\\[rn])*[A-Za-z0-9+/=]{40,}/.test(rest) || keyBody.test(next));
}

const assignment = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(["']?)([^\s"'#]+)\2\s*(?:#.*)?$/;
const secretName =
  /SECRET|TOKEN|PASSW|PASSPHRASE|PRIVATE|CREDENTIAL|API_?KEY|ACCESS_?KEY|ENCRYPTION_?KEY|SIGNING_?KEY/i;
const placeholder =
  /change|example|replace|your|dummy|sample|placeholder|secret|password|localhost|xxx|\$\{?\w|<|\*\*\*|todo/i;
const minLength = 20;
/** Bits a character: English words have fewer, what a generator makes has more. */
const minEntropy = 3.5;

/** Whether a line of variables gives something called a secret a value that looks generated. */
export function isGeneratedSecret(line: string): boolean {
  const [, name = "", , value = ""] = assignment.exec(line) ?? [];
  if (!secretName.test(name) || value.length < minLength || placeholder.test(value)) return false;
  return entropy(value) >= minEntropy;
}

/** Shannon's, over the characters of the text. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / text.length;
    return sum - share * Math.log2(share);
  }, 0);
}
