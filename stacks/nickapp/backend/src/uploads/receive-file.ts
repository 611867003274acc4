import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { HttpError } from "../platform/http-error.ts";
import { sniffLength, sniffType } from "./sniff-type.ts";

export const mostBytes = 10 * 1024 * 1024;

export type Received = { id: string; type: string; bytes: number; path: string };
export type Expectation = { root: string; folder: string; types: readonly string[]; declared: string };

const tooLarge = () => new HttpError(413, "TOO_LARGE", "a file has at most 10 MB");
const wrongType = (types: readonly string[]) =>
  new HttpError(415, "WRONG_TYPE", `this must be one of ${types.join(", ")}`);

/**
 * Streams one request body to a file with a random name: never more than the limit on disk, never a type that its
 * first bytes do not show, and in its place only once it is whole.
 */
export async function receiveFile(body: Readable, wanted: Expectation): Promise<Received> {
  const id = randomBytes(18).toString("base64url");
  const part = join(wanted.root, "incoming", id);
  await mkdir(dirname(part), { recursive: true });
  let head = Buffer.alloc(0);
  let bytes = 0;
  const check = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > mostBytes) throw tooLarge();
      if (head.length < sniffLength) {
        head = Buffer.concat([head, chunk.subarray(0, sniffLength - head.length)]);
        if (head.length === sniffLength) accept(head, wanted);
      }
      yield chunk;
    }
  };
  try {
    await pipeline(body, check, createWriteStream(part, { mode: 0o644 }));
    const { type, ending } = accept(head, wanted);
    const path = join(wanted.folder, `${id}.${ending}`);
    await mkdir(join(wanted.root, wanted.folder), { recursive: true });
    await rename(part, join(wanted.root, path));
    return { id, type, bytes, path };
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function accept(head: Buffer, { types, declared }: Expectation): { type: string; ending: string } {
  const found = sniffType(head);
  if (!found || found.type !== declared || !types.includes(found.type)) throw wrongType(types);
  return found;
}
