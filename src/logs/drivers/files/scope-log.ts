import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Scope, scopeKey } from "../../../rollout/ids.ts";
import { lineId } from "../../place.ts";
import type { LogBatch, StoredLine } from "../../port.ts";
import { OpenPart } from "./open-part.ts";
import { parseSealedName, removeSealed, type SealedPart, sealPart } from "./sealed-part.ts";

export type ScopeLogOptions = {
  /** Plain bytes at which a partition is closed. */
  partBytes: number;
  /** Age at which a partition is closed. */
  partMs: number;
  now: () => number;
};

/** The partitions of one stack and environment: sealed ones, and the one that takes lines. */
export class ScopeLog {
  readonly scope: Scope;
  readonly key: string;
  readonly folder: string;
  readonly #options: ScopeLogOptions;
  /** Oldest first. */
  sealed: SealedPart[] = [];
  /** Closed, but not sealed yet. */
  full: OpenPart[] = [];
  #open: OpenPart | undefined;
  #unread: number[] = [];

  constructor(scope: Scope, folder: string, options: ScopeLogOptions) {
    this.scope = scope;
    this.key = scopeKey(scope);
    this.folder = folder;
    this.#options = options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#list();
  }

  /** The partition that takes lines; the first use after a start reads it through. */
  get open(): OpenPart {
    if (this.#open) return this.#open;
    for (const firstSeq of this.#unread.slice(0, -1)) this.full.push(this.#part(firstSeq));
    const newest = this.sealed.at(-1);
    const next = newest === undefined ? 0 : newest.firstSeq + newest.entries;
    this.#open = this.#part(this.#unread.at(-1) ?? next);
    this.#unread = [];
    return this.#open;
  }

  get bytes(): number {
    const sealed = this.sealed.reduce((sum, part) => sum + part.bytes, 0);
    const full = this.full.reduce((sum, part) => sum + part.bytes, 0);
    return sealed + full + (this.#open?.bytes ?? 0);
  }

  get oldestAt(): number | undefined {
    const times = [...this.sealed, ...this.full, ...(this.#open ? [this.#open] : [])]
      .filter((part) => part.maxAt > 0)
      .map((part) => part.minAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  append({ lines, positions }: LogBatch, publish: ((line: StoredLine) => void) | undefined): void {
    const part = this.open;
    for (const line of lines) {
      const seq = part.add(line);
      publish?.({ ...line, scope: this.scope, id: lineId(line.at, seq, this.scope) });
    }
    if (positions) part.note(positions);
  }

  positions(): Readonly<Record<string, string>> {
    return { ...this.open.positions };
  }

  flush(): void {
    const part = this.#open;
    if (!part) return;
    part.flush();
    const { partBytes, partMs, now } = this.#options;
    const isOld = part.maxAt > 0 && now() - part.bornAt >= partMs;
    if (part.bytes >= partBytes || isOld) this.#rotate(part);
  }

  /** Packs what is closed, oldest first. */
  async seal(): Promise<void> {
    for (let part = this.full[0]; part; part = this.full[0]) {
      if (part.maxAt > 0) this.sealed.push(await sealPart(this.folder, part));
      this.full.shift();
      part.remove();
    }
  }

  async removeOldest(): Promise<void> {
    const part = this.sealed.shift();
    if (part) await removeSealed(this.folder, part);
  }

  close(): void {
    for (const part of [...this.full, ...(this.#open ? [this.#open] : [])]) part.close();
    this.full = [];
    this.#open = undefined;
  }

  /** The new partition begins with all positions, so that older ones can be removed without losing any. */
  #rotate(part: OpenPart): void {
    const next = this.#part(part.nextSeq);
    next.note(part.positions);
    next.flush();
    this.full.push(part);
    this.#open = next;
  }

  #part(firstSeq: number): OpenPart {
    return new OpenPart(this.folder, firstSeq, this.#options.now());
  }

  #list(): void {
    const open: number[] = [];
    for (const file of readdirSync(this.folder).sort()) {
      const path = join(this.folder, file);
      if (file.endsWith(".draft")) rmSync(path, { force: true });
      else if (file.endsWith(".open")) open.push(Number.parseInt(file, 36));
      const sealed = parseSealedName(file, statSync(path, { throwIfNoEntry: false })?.size ?? 0);
      if (sealed) this.sealed.push(sealed);
    }
    const packed = new Set(this.sealed.map((part) => part.firstSeq));
    for (const firstSeq of open)
      if (!packed.has(firstSeq)) this.#unread.push(firstSeq);
      else rmSync(join(this.folder, `${firstSeq.toString(36).padStart(9, "0")}.open`), { force: true });
  }
}
