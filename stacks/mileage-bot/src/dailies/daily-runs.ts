import type { Database } from "../database/pool.ts";

/** Who may post for which day; the primary key decides between several. */
export class DailyRuns {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** True for one caller. A claim whose holder died may be taken again after two minutes, three times in all. */
  async claim(guildId: string, day: string, now: Date): Promise<boolean> {
    const until = new Date(now.getTime() + 120_000);
    const { rowCount } = await this.#database.query(
      `insert into dailies_runs as run (guild_id, day, state, claimed_until) values ($1, $2, 'claimed', $4)
       on conflict (guild_id, day) do update set claimed_until = $4, attempts = run.attempts + 1
       where run.state = 'claimed' and run.claimed_until < $3 and run.attempts < 3`,
      [guildId, day, now, until],
    );
    return rowCount === 1;
  }

  async posted(guildId: string, day: string, messageId: string, now: Date): Promise<void> {
    await this.#database.query(
      `update dailies_runs set state = 'posted', message_id = $3, posted_at = $4 where guild_id = $1 and day = $2`,
      [guildId, day, messageId, now],
    );
  }
}
