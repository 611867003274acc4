export type ConnectionFailure = "dns" | "refused" | "timeout" | "tls" | "auth" | "other";

/** Which of the ways to fail it was, and what to look at, without quoting the URL. */
export function explainFailure(
  error: unknown,
  at: { host: string; port: number },
): { kind: ConnectionFailure; text: string } {
  const place = `${at.host}:${at.port}`;
  const kind = classify(error);
  const texts: Record<ConnectionFailure, string> = {
    dns: `the name ${at.host} is not known here: check the host in DATABASE_URL and the networks of this service`,
    refused: `${place} refuses connections: the server is down, or listens elsewhere`,
    timeout: `${place} does not answer: a firewall may drop port ${at.port}`,
    tls: `${place} answers, but its TLS is not trusted: ${messageOf(error)}`,
    auth: `${place} answers, but rejects user, password or database name`,
    other: `${place} cannot be used: ${messageOf(error)}`,
  };
  return { kind, text: texts[kind] };
}

function classify(error: unknown): ConnectionFailure {
  const code = codeOf(error);
  const message = messageOf(error);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "dns";
  if (code === "ECONNREFUSED") return "refused";
  if (code === "ETIMEDOUT" || code === "EHOSTUNREACH" || code === "ENETUNREACH") return "timeout";
  if (/timeout|timed out/i.test(message)) return "timeout";
  if (/^28|^3D000$/.test(code)) return "auth";
  if (/^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|ERR_SSL)/.test(code)) return "tls";
  return /SSL|TLS|certificate/i.test(message) ? "tls" : "other";
}

function codeOf(error: unknown): string {
  // Happy-eyeballs connects fail with one error for each address.
  const one = error instanceof AggregateError ? error.errors[0] : error;
  return one && typeof one === "object" && "code" in one ? String(one.code) : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
