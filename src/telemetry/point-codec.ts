/**
 * Points of one series as bytes: time as steps since the point before, numbers as differences, repeats as a count. A
 * series that does not change takes four bytes an hour. Points come in the order of their slots; several points of
 * one slot are allowed and are merged by whoever reads.
 */
export type PointKind = "gauge" | "counter" | "histogram";

/** `slot` counts steps since the chunk began. A counter uses `sum` alone, a histogram `buckets`: [bucket, count, …]. */
export type Point = {
  slot: number;
  count: number;
  min: number;
  max: number;
  sum: number;
  buckets: readonly number[];
};

const none: readonly number[] = [];
/** Larger values, and those with more than three decimals, are written whole. */
const largest = 2 ** 40;

export class PointEncoder {
  readonly #kind: PointKind;
  #bytes = new Uint8Array(16);
  #length = 0;
  #run = 0;
  #last: Point = { slot: 0, count: 0, min: 0, max: 0, sum: 0, buckets: none };

  constructor(kind: PointKind) {
    this.#kind = kind;
  }

  get isEmpty(): boolean {
    return this.#length === 0 && this.#run === 0;
  }

  add(point: Point): void {
    const last = this.#last;
    const same =
      this.#kind !== "histogram" &&
      point.slot === last.slot + 1 &&
      (this.#kind === "counter" || (point.count === last.count && point.min === last.min)) &&
      (this.#kind === "counter" || point.max === last.max) &&
      point.sum === last.sum &&
      !this.isEmpty;
    if (same) this.#run += 1;
    else this.#write(point, last);
    this.#last = point;
  }

  /** A copy of all that was added. */
  bytes(): Uint8Array {
    this.#endRun();
    return this.#bytes.slice(0, this.#length);
  }

  #write(point: Point, last: Point): void {
    this.#endRun();
    this.#varint((point.slot - last.slot) * 2);
    if (this.#kind === "counter") this.#number(point.sum, last.sum);
    else if (this.#kind === "histogram") this.#buckets(point.buckets);
    else {
      const flat = point.min === point.max && point.sum === point.min * point.count;
      this.#varint(point.count * 2 + (flat ? 1 : 0));
      this.#number(point.min, last.min);
      if (flat) return;
      this.#number(point.max, point.min);
      this.#number(point.sum, last.sum);
    }
  }

  #buckets(buckets: readonly number[]): void {
    this.#varint(buckets.length / 2);
    let before = 0;
    for (let i = 0; i < buckets.length; i += 2) {
      const bucket = buckets[i] ?? 0;
      this.#varint(zigzag(bucket - before));
      this.#varint(buckets[i + 1] ?? 0);
      before = bucket;
    }
  }

  #endRun(): void {
    if (this.#run === 0) return;
    this.#varint(this.#run * 2 + 1);
    this.#run = 0;
  }

  /** 0, then the whole number; or 1 + twice the difference, odd when it is in thousandths. */
  #number(value: number, before: number): void {
    const scale = Number.isInteger(value) && Number.isInteger(before) ? 1 : 1000;
    const difference = Math.round(value * scale) - Math.round(before * scale);
    const exact =
      Math.abs(value) < largest && Math.abs(before) < largest && decoded(before, difference, scale) === value;
    this.#varint(exact ? 1 + zigzag(difference) * 2 + (scale === 1000 ? 1 : 0) : 0);
    if (exact) return;
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value);
    this.#length += 8;
  }

  #varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Calls `take` for each point; the object is the caller's only until `take` returns. */
export function decodePoints(kind: PointKind, bytes: Uint8Array, take: (point: Point) => void): void {
  const reader = new Reader(bytes);
  const point = { slot: 0, count: 1, min: 0, max: 0, sum: 0, buckets: none };
  while (reader.more) {
    const head = reader.varint();
    if (head % 2 === 1) {
      for (let repeats = (head - 1) / 2; repeats > 0; repeats -= 1) {
        point.slot += 1;
        take(point);
      }
      continue;
    }
    point.slot += head / 2;
    if (kind === "counter") point.sum = reader.number(point.sum);
    else if (kind === "histogram") point.buckets = reader.buckets();
    else readGauge(reader, point);
    take(point);
  }
}

function readGauge(reader: Reader, point: { count: number; min: number; max: number; sum: number }): void {
  const head = reader.varint();
  const flat = head % 2 === 1;
  point.count = Math.floor(head / 2);
  point.min = reader.number(point.min);
  point.max = flat ? point.min : reader.number(point.min);
  point.sum = flat ? point.min * point.count : reader.number(point.sum);
}

/** Several blocks of bytes in one, each behind a number that says whose it is. */
export function joinBlocks(blocks: readonly { id: number; bytes: Uint8Array }[]): Uint8Array {
  const total = blocks.reduce((sum, { bytes }) => sum + 8 + bytes.length, 0);
  const joined = new Uint8Array(total);
  const view = new DataView(joined.buffer);
  let at = 0;
  for (const { id, bytes } of blocks) {
    view.setUint32(at, id);
    view.setUint32(at + 4, bytes.length);
    joined.set(bytes, at + 8);
    at += 8 + bytes.length;
  }
  return joined;
}

export function splitBlocks(joined: Uint8Array): { id: number; bytes: Uint8Array }[] {
  const view = new DataView(joined.buffer, joined.byteOffset, joined.byteLength);
  const blocks: { id: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at + 8 <= joined.length; ) {
    const length = view.getUint32(at + 4);
    blocks.push({ id: view.getUint32(at), bytes: joined.subarray(at + 8, at + 8 + length) });
    at += 8 + length;
  }
  return blocks;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at++] ?? 0;
      if (byte < 128) return value + byte * scale;
      value += (byte - 128) * scale;
      scale *= 128;
    }
  }

  number(before: number): number {
    const code = this.varint();
    if (code === 0) {
      const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);
      this.#at += 8;
      return view.getFloat64(this.#at - 8);
    }
    const scale = (code - 1) % 2 === 1 ? 1000 : 1;
    return decoded(before, unzigzag(Math.floor((code - 1) / 2)), scale);
  }

  buckets(): number[] {
    const pairs = this.varint();
    const buckets: number[] = [];
    let bucket = 0;
    for (let i = 0; i < pairs; i += 1) {
      bucket += unzigzag(this.varint());
      buckets.push(bucket, this.varint());
    }
    return buckets;
  }
}

function decoded(before: number, difference: number, scale: number): number {
  return (Math.round(before * scale) + difference) / scale;
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}
