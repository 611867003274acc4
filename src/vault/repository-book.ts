import { randomBytes } from "node:crypto";
import type { Repository } from "../backup/port.ts";
import type { Store } from "../store/port.ts";
import { vaultError } from "./errors.ts";

/** A repository as it is kept and shown: without key and credentials. */
export type RepositorySetting = {
  name: string;
  /** Absolute folder, or `s3:https://host/bucket/path`. */
  location: string;
  /** Where stacks go that name none. */
  isDefault: boolean;
  createdAt: number;
  /** Changes with every new key or credential. */
  secretVersion: string;
};

export type NewRepository = {
  name: string;
  location: string;
  /** Of a repository that exists; absent: one is made. */
  key?: string;
  /** By the names that the S3 world uses, e.g. AWS_ACCESS_KEY_ID. */
  credentials: Readonly<Record<string, string>>;
  isDefault?: boolean;
};

/** What a driver needs to open it. */
export type RepositoryPlace = {
  name: string;
  location: string;
  password: string;
  credentials: Readonly<Record<string, string>>;
};

type Sealed = { key: string; credentials: Readonly<Record<string, string>> };

const collection = "backup-repositories";
const maxRepositories = 50;
/** No stack has this environment. */
const scope = { stack: "backup", environment: "@repository" };

/** The repositories of this installation; keys and credentials are encrypted at rest. */
export class RepositoryBook {
  readonly #store: Store;
  readonly #make: (place: RepositoryPlace) => Repository;
  readonly #open = new Map<string, Promise<Repository>>();

  constructor(store: Store, make: (place: RepositoryPlace) => Repository) {
    this.#store = store;
    this.#make = make;
  }

  list(): RepositorySetting[] {
    return this.#store.records
      .list<RepositorySetting>(collection, { limit: maxRepositories * 2 })
      .map(({ value }) => value);
  }

  get(name: string): RepositorySetting | undefined {
    return this.#store.records.get<RepositorySetting>(collection, name);
  }

  /** The one that a stack names, else the default one. */
  chosen(name: string | undefined): RepositorySetting | undefined {
    return name === undefined ? this.list().find(({ isDefault }) => isDefault) : this.get(name);
  }

  /** Opens it before it is kept: a wrong key, password or address is told at once. Answers a key that was made. */
  async add(
    wanted: NewRepository,
    now: number,
    signal: AbortSignal,
  ): Promise<{ setting: RepositorySetting; key?: string }> {
    checkNew(wanted, this.list());
    const key = wanted.key ?? randomBytes(32).toString("base64url");
    const { name, location, credentials } = wanted;
    const repository = this.#make({ name, location, credentials, password: key });
    await repository.open(signal);
    return this.#store.transaction(() => {
      const others = this.list().filter((other) => other.name !== name);
      const isDefault = wanted.isDefault ?? !others.some((other) => other.isDefault);
      if (isDefault)
        for (const other of others)
          this.#store.records.put(collection, other.name, { ...other, isDefault: false });
      const sealed: Sealed = { key, credentials };
      const bytes = Buffer.from(JSON.stringify(sealed));
      const secretVersion = this.#store.secrets.put(scope, name, bytes);
      const setting = { name, location, isDefault, createdAt: now, secretVersion };
      this.#store.records.put(collection, name, setting);
      this.#open.set(name, Promise.resolve(repository));
      return { setting, ...(wanted.key === undefined ? { key } : {}) };
    });
  }

  /** What lies there stays there. */
  remove(name: string): RepositorySetting {
    const setting = this.#known(name);
    this.#store.records.remove(collection, name);
    this.#open.delete(name);
    return setting;
  }

  /** The key, for whoever keeps a copy of it elsewhere: without it nothing can be read. */
  key(name: string): string {
    return this.#sealed(this.#known(name)).key;
  }

  /** After a loss: where what this key opens lies now. The default one, whatever was so before. Answers its name. */
  moved(key: string, location: string): string | undefined {
    const all = this.list();
    const mine = all.find(({ name }) => this.key(name) === key);
    if (!mine) return undefined;
    for (const one of all)
      this.#store.records.put(collection, one.name, { ...one, isDefault: one.name === mine.name });
    this.#store.records.put(collection, mine.name, { ...mine, location, isDefault: true });
    this.#open.delete(mine.name);
    return mine.name;
  }

  /** Opened once in the life of this process: opening drops what a killed one has left half-way. */
  async open(name: string, signal: AbortSignal): Promise<Repository> {
    const setting = this.#known(name);
    const known = this.#open.get(name);
    if (known) return await known;
    const { key, credentials } = this.#sealed(setting);
    const repository = this.#make({ name, location: setting.location, credentials, password: key });
    const opening = repository.open(signal, { mustExist: true }).then(() => repository);
    this.#open.set(name, opening);
    opening.catch(() => this.#open.delete(name));
    return await opening;
  }

  #known(name: string): RepositorySetting {
    const setting = this.get(name);
    if (!setting) throw vaultError("VAULT_NO_REPOSITORY", `there is no repository ${name}`);
    return setting;
  }

  #sealed({ name, secretVersion }: RepositorySetting): Sealed {
    const bytes = this.#store.secrets.get(scope, name, secretVersion);
    if (!bytes) throw vaultError("VAULT_NO_REPOSITORY", `the key of the repository ${name} is gone`);
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as Sealed;
  }
}

const s3Location = /^s3:https?:\/\/[^\s/?#@]+\/[^\s?#@]+$/;
const folderLocation = /^\/[^\0\n]+$/;

function checkNew({ name, location, credentials }: NewRepository, present: RepositorySetting[]): void {
  const invalid = (message: string) => vaultError("VAULT_REPOSITORY_INVALID", message);
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)) throw invalid(`${name} cannot be the name of a repository`);
  if (!s3Location.test(location) && !folderLocation.test(location))
    throw invalid(`${location} is no absolute folder and no s3:https://host/bucket/path`);
  for (const variable of Object.keys(credentials))
    if (!/^AWS_[A-Z_]{1,40}$/.test(variable)) throw invalid(`${variable} is no credential of S3`);
  if (present.length >= maxRepositories) throw invalid(`there are ${maxRepositories} repositories already`);
  const other = present.find((one) => one.location === location && one.name !== name);
  if (other) throw invalid(`${location} is the repository ${other.name} already`);
  if (present.some((one) => one.name === name)) throw invalid(`there is a repository ${name} already`);
}
