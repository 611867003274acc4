import { backupError } from "../errors.ts";

/**
 * Walks through a Redis snapshot as it streams, counts its keys, and finds its end: what redis-cli sends behind it is
 * not part of the file. Values are stepped over by their lengths, never held.
 * Format: https://rdb.fnordig.de/file_format.html, and rdb.h of Redis for the newer types.
 */
export class RdbReader {
  /** Database number -> keys that do not expire by themselves. Others may be gone before anybody looks. */
  readonly keys = new Map<number, number>();
  version = "";
  complete = false;
  readonly #walk: Generator<Step, void, Uint8Array>;
  #wants: Step;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #toSkip = 0;

  constructor() {
    this.#walk = this.#file();
    this.#wants = this.#walk.next().value ?? { take: 0 };
    this.#begin();
  }

  /** The part of a chunk that belongs to the file. */
  push(chunk: Uint8Array): Uint8Array {
    let at = 0;
    while (at < chunk.byteLength && !this.complete) {
      const left = chunk.byteLength - at;
      if (this.#toSkip > 0) {
        const some = Math.min(left, this.#toSkip);
        this.#toSkip -= some;
        at += some;
        if (this.#toSkip === 0) this.#goOn(new Uint8Array());
        continue;
      }
      const some = Math.min(left, this.#wanted() - this.#heldBytes);
      this.#held.push(chunk.subarray(at, at + some));
      this.#heldBytes += some;
      at += some;
      if (this.#heldBytes < this.#wanted()) continue;
      const taken = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held);
      this.#held = [];
      this.#heldBytes = 0;
      this.#goOn(taken ?? new Uint8Array());
    }
    return chunk.subarray(0, at);
  }

  #wanted(): number {
    return "take" in this.#wants ? this.#wants.take : 0;
  }

  #goOn(taken: Uint8Array): void {
    const next = this.#walk.next(taken);
    if (next.done) this.complete = true;
    else {
      this.#wants = next.value;
      this.#begin();
    }
  }

  /** Steps over nothing need no bytes. */
  #begin(): void {
    while (!this.complete && "skip" in this.#wants && this.#wants.skip === 0) {
      const next = this.#walk.next(new Uint8Array());
      if (next.done) this.complete = true;
      else this.#wants = next.value;
    }
    this.#toSkip = "skip" in this.#wants ? this.#wants.skip : 0;
  }

  *#file(): Walk<void> {
    const magic = Buffer.from(yield { take: 9 }).toString("latin1");
    if (!/^(REDIS|VALKEY)\d+$/.test(magic)) throw unreadable("it does not begin like one");
    this.version = magic;
    let database = 0;
    let expires = false;
    for (;;) {
      const code = yield* byte();
      if (code === op.end) break;
      if (code === op.database) database = yield* length();
      else if (code === op.expireMs || code === op.expireSeconds) {
        yield { skip: code === op.expireMs ? 8 : 4 };
        expires = true;
      } else if (code >= op.lowest) yield* stepOverOpcode(code);
      else {
        yield* stepOverString();
        yield* stepOverValue(code);
        if (!expires) this.keys.set(database, (this.keys.get(database) ?? 0) + 1);
        expires = false;
      }
    }
    yield { skip: 8 };
  }
}

type Step = { take: number } | { skip: number };
type Walk<T> = Generator<Step, T, Uint8Array>;

const op = { lowest: 0xf3, expireMs: 0xfc, expireSeconds: 0xfd, database: 0xfe, end: 0xff };

function* byte(): Walk<number> {
  return (yield { take: 1 })[0] ?? 0;
}

function* length(): Walk<number> {
  const found = yield* lengthOrEncoding();
  if ("encoding" in found) throw unreadable("a length is none");
  return found.length;
}

function* lengthOrEncoding(): Walk<{ length: number } | { encoding: number }> {
  const first = yield* byte();
  const kind = first >> 6;
  if (kind === 0) return { length: first & 0x3f };
  if (kind === 1) return { length: ((first & 0x3f) << 8) | (yield* byte()) };
  if (kind === 3) return { encoding: first & 0x3f };
  const bytes = Buffer.from(yield { take: first === 0x81 ? 8 : 4 });
  return { length: first === 0x81 ? Number(bytes.readBigUInt64BE()) : bytes.readUInt32BE() };
}

function* stepOverString(): Walk<void> {
  const found = yield* lengthOrEncoding();
  if ("length" in found) yield { skip: found.length };
  else if (found.encoding <= 2) yield { skip: 2 ** found.encoding };
  else {
    const packed = yield* length();
    yield* length();
    yield { skip: packed };
  }
}

function* strings(count: number): Walk<void> {
  for (let at = 0; at < count; at += 1) yield* stepOverString();
}

function* lengths(count: number): Walk<void> {
  for (let at = 0; at < count; at += 1) yield* length();
}

function* stepOverOpcode(code: number): Walk<void> {
  if (code === 0xfa) yield* strings(2);
  else if (code === 0xfb) yield* lengths(2);
  else if (code === 0xf9) yield { skip: 1 };
  else if (code === 0xf8) yield* length();
  else if (code === 0xf5) yield* strings(1);
  else if (code === 0xf4) yield* lengths(3);
  else if (code === 0xf7) {
    yield* lengths(3);
    yield* stepOverModule();
  } else throw unknown(`opcode ${code}`);
}

function* stepOverValue(type: number): Walk<void> {
  if ([0, 9, 10, 11, 12, 13, 16, 17, 20].includes(type)) yield* stepOverString();
  else if ([1, 2, 14].includes(type)) yield* strings(yield* length());
  else if (type === 4) yield* strings(2 * (yield* length()));
  else if (type === 3 || type === 5) yield* stepOverScores(yield* length(), type);
  else if (type === 7) {
    yield* length();
    yield* stepOverModule();
  } else if (type === 18) {
    for (let left = yield* length(); left > 0; left -= 1) {
      yield* length();
      yield* stepOverString();
    }
  } else if (type === 15 || type === 19 || type === 21) yield* stepOverStream(type);
  else if (type === 24) {
    yield { skip: 8 };
    for (let left = yield* length(); left > 0; left -= 1) {
      yield* length();
      yield* strings(2);
    }
  } else if (type === 25) {
    yield { skip: 8 };
    yield* stepOverString();
  } else throw unknown(`values of type ${type}`);
}

/** Old scores are texts, with three lengths that stand for no number and the infinities. */
function* stepOverScores(count: number, type: number): Walk<void> {
  for (let at = 0; at < count; at += 1) {
    yield* stepOverString();
    if (type === 5) yield { skip: 8 };
    else {
      const size = yield* byte();
      yield { skip: size >= 253 ? 0 : size };
    }
  }
}

function* stepOverStream(type: number): Walk<void> {
  yield* strings(2 * (yield* length()));
  yield* lengths(type === 15 ? 3 : 8);
  for (let groups = yield* length(); groups > 0; groups -= 1) {
    yield* stepOverString();
    yield* lengths(type === 15 ? 2 : 3);
    for (let pending = yield* length(); pending > 0; pending -= 1) {
      yield { skip: 24 };
      yield* length();
    }
    for (let consumers = yield* length(); consumers > 0; consumers -= 1) {
      yield* stepOverString();
      yield { skip: type === 21 ? 16 : 8 };
      yield { skip: 16 * (yield* length()) };
    }
  }
}

/** A module's own data tells its parts: signed, unsigned, float, double, string, until its end. */
function* stepOverModule(): Walk<void> {
  for (;;) {
    const part = yield* length();
    if (part === 0) return;
    if (part === 1 || part === 2) yield* length();
    else if (part === 3) yield { skip: 4 };
    else if (part === 4) yield { skip: 8 };
    else if (part === 5) yield* stepOverString();
    else throw unknown(`module data of kind ${part}`);
  }
}

function unknown(what: string): Error {
  return backupError("BACKUP_UNSUPPORTED", `this Redis holds ${what}, which cannot be counted yet`);
}

function unreadable(why: string): Error {
  return backupError("BACKUP_SOURCE_FAILED", `this is no snapshot of Redis: ${why}`);
}
