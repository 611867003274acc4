import { Readable } from "node:stream";

/** The commands of a push stand before its pack; more than this is no push that a person makes. */
const longest = 64 * 1024;

/**
 * Reads which refs a push wants to change and gives the whole body back, unchanged (gitprotocol-pack, "Reference Update
 * Request"). `refs` is undefined when the body does not begin as a push does.
 */
export async function readPushedRefs(
  body: Readable,
): Promise<{ refs: readonly string[] | undefined; body: Readable }> {
  const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head: Buffer = Buffer.alloc(0);
  let refs = parse(head);
  while (refs === "more" && head.length <= longest) {
    const { value, done } = await pieces.next();
    if (done) break;
    head = Buffer.concat([head, value]);
    refs = parse(head);
  }
  async function* whole(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) yield piece.value;
  }
  return { refs: typeof refs === "string" ? undefined : refs, body: Readable.from(whole()) };
}

/** pkt-lines up to the flush packet: four hex digits of length, then `old new ref\0capabilities`. */
function parse(head: Buffer): readonly string[] | "more" | "other" {
  const refs: string[] = [];
  for (let at = 0; ; ) {
    if (head.length < at + 4) return "more";
    const digits = head.toString("latin1", at, at + 4);
    if (digits === "0000") return refs;
    const length = Number.parseInt(digits, 16);
    if (!/^[0-9a-f]{4}$/i.test(digits) || length <= 4) return "other";
    if (head.length < at + length) return "more";
    const line = head.toString("utf8", at + 4, at + length);
    const [, ref] = /^[0-9a-f]{40,64} [0-9a-f]{40,64} ([^\0\n]+)/.exec(line) ?? [];
    if (ref !== undefined) refs.push(ref);
    else if (!/^(shallow |push-cert)/.test(line)) return "other";
    if (line.startsWith("push-cert")) return "other";
    at += length;
  }
}
