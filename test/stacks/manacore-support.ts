import { execFile } from "node:child_process";
import { type IncomingHttpHeaders, request } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { freePort, Platform, type PlatformOptions, root } from "../e2e/platform.ts";

const folder = join(root, "stacks/manacore");
const run = promisify(execFile);

export type Answer = { status: number; headers: IncomingHttpHeaders; text: string; ms: number };
export type Ask = { method?: "GET" | "POST"; body?: unknown; token?: string };
export type Person = { id: string; email: string; manaToken: string; refreshToken: string };
type Replica = { id: string; service: string; role: string; address: string };

export const password = "a password for tests";
/** The document's pools: ten connections for each replica. */
export const poolSize = 10;

/** The deployed stack as its users, its database administrator and its model provider see it. */
export class Manacore {
  readonly platform: Platform;
  readonly #openAiPort: number;
  readonly #overlays: readonly string[];
  #people = 0;

  private constructor(platform: Platform, openAiPort: number, overlays: readonly string[]) {
    this.platform = platform;
    this.#openAiPort = openAiPort;
    this.#overlays = overlays;
  }

  static async start(options: PlatformOptions, overlays: readonly string[] = []): Promise<Manacore> {
    return new Manacore(await Platform.start(options), await freePort(), overlays);
  }

  deployArguments(overlays = this.#overlays): string[] {
    const files = ["compose.yaml", "compose.stand-ins.yaml", ...overlays];
    return ["deploy", ...files.flatMap((file) => ["-f", join(folder, file)])];
  }

  environment(more: Record<string, string> = {}): Record<string, string> {
    return { OPENAI_STAND_IN_PORT: String(this.#openAiPort), ...more };
  }

  /** A request through the edge, to a host of the stack. */
  ask(host: string, path: string, { method = "GET", body, token }: Ask = {}): Promise<Answer> {
    const headers = {
      host: `${host}.manacore.localhost`,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    return send({ port: this.platform.http, path, method, headers }, body);
  }

  async signUp(): Promise<Person> {
    this.#people += 1;
    const email = `person${this.#people}@example.com`;
    const answer = await this.ask("auth", "/api/auth/sign-up", {
      method: "POST",
      body: { email, name: `Person ${this.#people}`, password },
    });
    if (answer.status !== 201) throw new Error(`sign-up answered ${answer.status}: ${answer.text}`);
    const { user, manaToken, refreshToken } = JSON.parse(answer.text);
    return { id: user.id, email, manaToken, refreshToken };
  }

  complete(person: Pick<Person, "manaToken">, content: string): Promise<Answer> {
    const body = { messages: [{ role: "user", content }] };
    return this.ask("api-chat", "/api/chat/completions", { method: "POST", token: person.manaToken, body });
  }

  async balance(person: Person): Promise<number> {
    const answer = await this.ask("api-chat", "/api/credits", { token: person.manaToken });
    return JSON.parse(answer.text).credits;
  }

  async messages(person: Person): Promise<{ prompt: string; reply: string }[]> {
    const answer = await this.ask("api-chat", "/api/chat/messages", { token: person.manaToken });
    return JSON.parse(answer.text).messages;
  }

  /** `/_stand-in/…` of the model. */
  async standIn<T>(path: string, body?: object): Promise<T> {
    const method = body === undefined ? "GET" : "POST";
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const answer = await send({ port: this.#openAiPort, path: `/_stand-in/${path}`, method, headers }, body);
    if (answer.status >= 300) throw new Error(`the stand-in answered ${answer.status}: ${answer.text}`);
    return (answer.text === "" ? undefined : JSON.parse(answer.text)) as T;
  }

  async modelCalls(): Promise<number> {
    return (await this.standIn<unknown[]>("calls")).length;
  }

  #known: Promise<{ replicas: Replica[] }> | undefined;
  async replicas(service: string): Promise<Replica[]> {
    this.#known ??= this.platform.json<{ replicas: Replica[] }>(["ps", "manacore"]);
    const { replicas } = await this.#known;
    return replicas.filter((replica) => replica.service === service && replica.role === "current");
  }

  /** Other replicas are current now. */
  deployed(): void {
    this.#known = undefined;
  }

  /** As the administrator, in one of the stack's databases. */
  async sql<T extends pg.QueryResultRow>(
    database: string,
    text: string,
    values: unknown[] = [],
  ): Promise<T[]> {
    const client = await this.#connect("postgres", database);
    try {
      return (await client.query<T>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  async #connect(user: string, database: string): Promise<pg.Client> {
    const [replica] = await this.replicas("postgres");
    const [host = "", port = ""] = (replica?.address ?? "").split(":");
    const client = new pg.Client({ host, port: Number(port), user, password: "demo", database });
    await client.connect();
    return client;
  }

  /** What the database answers to this role; the message of a refusal. */
  async connectAs(user: string, database: string): Promise<string> {
    try {
      const client = await this.#connect(user, database);
      await client.end();
      return "connected";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async setCredits(person: Person, credits: number): Promise<void> {
    await this.balance(person);
    await this.sql("chat_db", "UPDATE users SET credits = $2 WHERE id = $1", [person.id, credits]);
    await this.redis("DEL", `credits:${person.id}`);
  }

  async storedCredits(person: Person): Promise<number | undefined> {
    const text = "SELECT credits FROM users WHERE id = $1";
    return (await this.sql<{ credits: number }>("chat_db", text, [person.id]))[0]?.credits;
  }

  /** Runs redis-cli inside the Redis container. */
  async redis(...command: string[]): Promise<string> {
    return (await this.inside("redis", ["redis-cli", ...command])).trim();
  }

  /** Output of a command inside the first container of a service. */
  async inside(service: string, command: string[]): Promise<string> {
    const [replica] = await this.replicas(service);
    const { stdout } = await run("docker", ["exec", replica?.id ?? service, ...command], { timeout: 30_000 });
    return stdout;
  }

  /** Counters of the chat backend, from the network inside; added up over its replicas. */
  async counters(): Promise<(name: string, kind: string) => number> {
    const all = await Promise.all((await this.replicas("chat-backend")).map(readMetrics));
    return (name, kind) => all.reduce((sum, text) => sum + counterIn(text, name, kind), 0);
  }

  /** The same counter of each replica. */
  async countersOfEach(name: string, kind: string): Promise<number[]> {
    const all = await Promise.all((await this.replicas("chat-backend")).map(readMetrics));
    return all.map((text) => counterIn(text, name, kind));
  }

  async stop(): Promise<void> {
    await this.platform.stop();
  }
}

async function readMetrics({ address }: Replica): Promise<string> {
  const [host = "", port = ""] = address.split(":");
  const answer = await send({ host, port: Number(port), path: "/metrics", method: "GET", headers: {} });
  return answer.text;
}

function counterIn(text: string, name: string, kind: string): number {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name}{kind="${kind}"} `));
  return Number(line?.split(" ").at(-1) ?? 0);
}

type Wire = { host?: string; port: number; path: string; method: string; headers: Record<string, string> };

function send({ host = "127.0.0.1", ...wire }: Wire, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const outgoing = request({ host, ...wire, timeout: 60_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        const ms = performance.now() - began;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, ms });
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 60 s")));
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Completions by many people while something else happens; whatever is not a 200 is a failure. */
export class CompletionLoad {
  readonly #stack: Manacore;
  readonly #people: readonly Person[];
  readonly #everyMs: number;
  readonly failures: string[] = [];
  requests = 0;
  #stopping = false;
  #loops: Promise<void>[] = [];

  /** At most one completion a second for each person, below their limit of 60 a minute. */
  constructor(stack: Manacore, people: readonly Person[], everyMs = 1500) {
    this.#stack = stack;
    this.#people = people;
    this.#everyMs = everyMs;
  }

  start(): this {
    this.#loops = this.#people.map((person) => this.#loop(person));
    return this;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
  }

  async #loop(person: Person): Promise<void> {
    while (!this.#stopping) {
      this.requests += 1;
      const outcome = await this.#stack.complete(person, "under load").then(
        ({ status, text }) => (status === 200 ? undefined : `${status} ${text}`),
        (error: Error) => error.message,
      );
      if (outcome !== undefined) this.failures.push(outcome);
      await new Promise((resolve) => setTimeout(resolve, this.#everyMs));
    }
  }
}
