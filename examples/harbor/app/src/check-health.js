// The Compose health check: node is the one program that the image surely has.
const answer = await fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/healthz`, {
  signal: AbortSignal.timeout(2500),
});
process.exit(answer.ok ? 0 : 1);
