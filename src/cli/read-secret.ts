import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { canAsk } from "./context.ts";
import type { Invocation } from "./define-command.ts";
import { usageError } from "./errors.ts";

const maxBytes = 64 * 1024;

/** A secret from standard input (without its last line break), or typed unseen; never from the command line. */
export async function readSecret({ context }: Invocation, name: string): Promise<string> {
  const value = canAsk(context) ? await typed(context, name) : await piped(context.stdin);
  if (value === "")
    throw usageError(
      `there is no value for ${name}`,
      `Pipe it in: printf %s "$VALUE" | roadstead secrets set ${name}`,
    );
  return value;
}

async function piped(stdin: AsyncIterable<unknown>): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of stdin) {
    const bytes = Buffer.from(piece as Uint8Array);
    length += bytes.length;
    if (length > maxBytes) throw usageError("a secret may have 64 KiB");
    pieces.push(bytes);
  }
  return Buffer.concat(pieces)
    .toString()
    .replace(/\r?\n$/, "");
}

async function typed(context: Invocation["context"], name: string): Promise<string> {
  const nowhere = new Writable({ write: (_piece, _encoding, done) => done() });
  const prompt = createInterface({ input: context.stdin, output: nowhere, terminal: true });
  context.stderr.write(`${name} (not shown): `);
  try {
    return await prompt.question("", { signal: context.signal });
  } finally {
    prompt.close();
    context.stderr.write("\n");
  }
}
