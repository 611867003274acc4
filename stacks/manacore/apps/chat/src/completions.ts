import { Database } from "@manacore/platform/database";
import type { Timings } from "@manacore/platform/timings";
import { HttpException, Inject, Injectable } from "@nestjs/common";
import { AzureOpenAi, type Completion, ModelError, type Turn } from "./azure-openai.js";
import { Credits } from "./credits.js";

export type CompletionAnswer = { message: string; credits: number };
export type Context = { userId: string; requestId: string; timings: Timings };

/** The request lifecycle of the architecture document, steps 2 (credits) to 5. */
@Injectable()
export class Completions {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Credits) private readonly credits: Credits,
    @Inject(AzureOpenAi) private readonly model: AzureOpenAi,
  ) {}

  /** Throws 402 before anything is spent. */
  async requireCredits({ userId, timings }: Context): Promise<void> {
    const credits = await timings.measure("credits", () => this.credits.of(userId));
    if (credits <= 0) throw outOfCredits();
  }

  async complete(turns: readonly Turn[], context: Context): Promise<CompletionAnswer> {
    const { userId, requestId, timings } = context;
    const completion = await timings.measure("model", () => this.#ask(turns, requestId));
    const credits = await timings.measure("database", () => this.#save(userId, turns, completion));
    await timings.measure("invalidate", () => this.credits.forget(userId));
    return { message: completion.message, credits };
  }

  async #ask(turns: readonly Turn[], requestId: string): Promise<Completion> {
    try {
      return await this.model.complete(turns, requestId);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      const status = error.kind === "busy" ? 503 : 502;
      throw new HttpException(
        { error: "MODEL_UNAVAILABLE", message: `${error.message}; no credit was taken` },
        status,
      );
    }
  }

  /** One transaction; of completions that run at once, only as many are paid as there are credits. */
  async #save(userId: string, turns: readonly Turn[], { message, model }: Completion): Promise<number> {
    return this.database.transaction(async (queries) => {
      await queries.query(
        "insert message",
        "INSERT INTO messages (user_id, prompt, reply, model) VALUES ($1, $2, $3, $4)",
        [userId, turns.at(-1)?.content ?? "", message, model],
      );
      const [row] = await queries.query<{ credits: number }>(
        "take credit",
        "UPDATE users SET credits = credits - 1 WHERE id = $1 AND credits > 0 RETURNING credits",
        [userId],
      );
      if (!row) throw outOfCredits();
      return row.credits;
    });
  }
}

function outOfCredits(): HttpException {
  return new HttpException({ error: "NO_CREDITS", message: "There are no credits left." }, 402);
}
