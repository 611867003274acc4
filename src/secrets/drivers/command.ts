import { hasCode, PlatformError } from "../../lib/platform-error.ts";
import { run } from "../../lib/run.ts";
import { secretsError } from "../errors.ts";
import { maxSecretBytes, type SecretProvider } from "../port.ts";

/** One program that prints a secret; only the operator of the host can name one. */
export type SecretCommand = { argv: readonly [string, ...string[]]; timeoutMs: number };

/** A program that was killed may have left a child that holds its output open. */
const graceMs = 500;

/** What a command sees of the control plane's own environment: never its credentials. */
const passedOn = ["PATH", "HOME", "LANG", "USER"];

/** `command:<name>`: what the operator's program prints, without the last line break. */
export class CommandSecrets implements SecretProvider {
  readonly name = "command";
  readonly #commands: Readonly<Record<string, SecretCommand>>;

  constructor(commands: Readonly<Record<string, SecretCommand>>) {
    this.#commands = commands;
  }

  async read(address: string, signal: AbortSignal): Promise<string> {
    const command = Object.hasOwn(this.#commands, address) ? this.#commands[address] : undefined;
    if (!command)
      throw secretsError("SECRET_UNKNOWN", `the operator has configured no secret command ${address}`);
    signal.throwIfAborted();
    const { exitCode, stdout } = await this.#run(address, command, signal);
    if (exitCode !== 0)
      throw secretsError("SECRETS_UNAVAILABLE", `command:${address} ended with exit code ${exitCode}`);
    if (Buffer.byteLength(stdout.replace(/\r?\n$/, "")) > maxSecretBytes)
      throw secretsError("SECRET_TOO_LARGE", `command:${address} printed more than ${maxSecretBytes} bytes`);
    const value = stdout.replace(/\r?\n$/, "");
    if (value === "") throw secretsError("SECRET_UNKNOWN", `command:${address} printed nothing`);
    return value;
  }

  /** Programs may ask somebody or cost something, so they run only for a value. */
  async check(): Promise<void> {
    return undefined;
  }

  async #run(address: string, { argv, timeoutMs }: SecretCommand, signal: AbortSignal) {
    const env = Object.fromEntries(passedOn.flatMap((key) => [[key, process.env[key] ?? ""]]));
    try {
      // A little more than allowed is kept, so that too much shows as too much and not as its end.
      const running = run(argv, { timeoutMs, env, signal, maxOutput: maxSecretBytes + 2 });
      return await Promise.race([running, afterwards(timeoutMs + graceMs)]);
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      const late = hasCode(cause, "RUN_TIMED_OUT");
      const what = late ? `did not end within ${timeoutMs / 1000} s` : `can't be run: ${argv[0]}`;
      throw secretsError("SECRETS_UNAVAILABLE", `command:${address} ${what}`, { cause });
    }
  }
}

function afterwards(ms: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    const late = () => reject(new PlatformError("RUN_TIMED_OUT", `no end within ${ms} ms`));
    setTimeout(late, ms).unref();
  });
}
