/** The statement itself is wrong (data or constraint): trying again gives the same answer. */
export function isPermanent(error: unknown): boolean {
  const code = sqlState(error);
  return code !== undefined && (code.startsWith("22") || code.startsWith("23"));
}

/** The database is away, starting, overloaded or cut off: trying again may help. */
export function isAway(error: unknown): boolean {
  const code = sqlState(error);
  if (code !== undefined) return /^(08|53|57|58|40)/.test(code);
  return (
    error instanceof Error && (isNetworkCode(error) || /timeout|terminated|closed|ended/i.test(error.message))
  );
}

function isNetworkCode(error: Error): boolean {
  if (error instanceof AggregateError)
    return error.errors.some((inner) => inner instanceof Error && isNetworkCode(inner));
  return (
    "code" in error &&
    /^E(CONN|NOTFOUND|AI_AGAIN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH)/.test(String(error.code))
  );
}

function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("severity" in error)) return undefined;
  return String(error.code);
}
