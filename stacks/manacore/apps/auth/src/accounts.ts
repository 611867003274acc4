import { Database } from "@manacore/platform/database";
import { Inject, Injectable } from "@nestjs/common";
import { hashPassword, verifyPassword } from "./password.js";

export type Account = { id: string; email: string; name: string; role: string };
type AccountRow = Account & { password_hash: string };

@Injectable()
export class Accounts {
  readonly #database: Database;
  #decoy: Promise<string> | undefined;

  constructor(@Inject(Database) database: Database) {
    this.#database = database;
  }

  /** `undefined` when the address is taken. */
  async create(email: string, name: string, password: string): Promise<Account | undefined> {
    const [account] = await this.#database.query<Account>(
      "create account",
      `INSERT INTO accounts (email, name, password_hash) VALUES ($1, $2, $3)
       ON CONFLICT (email) DO NOTHING RETURNING id, email, name, role`,
      [email, name, await hashPassword(password)],
    );
    return account;
  }

  async withPassword(email: string, password: string): Promise<Account | undefined> {
    const text = "SELECT id, email, name, role, password_hash FROM accounts WHERE email = $1";
    const [row] = await this.#database.query<AccountRow>("account by email", text, [email]);
    // An unknown address takes as long as a wrong password.
    this.#decoy ??= hashPassword("no account has this one");
    const matches = await verifyPassword(password, row?.password_hash ?? (await this.#decoy));
    if (!row || !matches) return undefined;
    return { id: row.id, email: row.email, name: row.name, role: row.role };
  }

  async find(id: string): Promise<Account | undefined> {
    const text = "SELECT id, email, name, role FROM accounts WHERE id = $1";
    const [account] = await this.#database.query<Account>("account by id", text, [id]);
    return account;
  }
}
