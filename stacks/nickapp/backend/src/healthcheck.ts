/** For Compose: exit code 0 while this replica can do its work. */
const answer = await fetch(`http://127.0.0.1:${process.env["PORT"] ?? 5001}/ready`, {
  signal: AbortSignal.timeout(3_000),
}).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
