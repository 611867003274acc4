import process from "node:process";

/** Runs a stand-in until it is told to stop. A container's first process gets no default signal handling. */
export async function run(
  name: string,
  start: () => Promise<{ port: number; close(): Promise<void> }>,
): Promise<void> {
  const started = await start();
  process.stdout.write(`${name} stand-in listens on port ${started.port}\n`);
  const stop = () => {
    setTimeout(() => process.exit(0), 800).unref();
    started.close().then(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}
