import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BadResponse, type ResponseHead, ResponseParser } from "./upstream-parser.ts";

/** Feeds the bytes in the given pieces; reads of the product share one buffer, so every piece is overwritten after. */
function parse(text: string, sizes: readonly number[], method = "GET") {
  const seen = { head: undefined as ResponseHead | undefined, body: "", complete: "" };
  const sink = {
    onHead: (head: ResponseHead) => {
      seen.head = head;
    },
    onBody: (chunk: Buffer) => {
      seen.body += chunk.toString("latin1");
    },
    onComplete: (reusable: boolean) => {
      seen.complete += reusable ? "reusable " : "done ";
    },
  };
  const parser = new ResponseParser(sink);
  parser.begin(sink, method);
  const bytes = Buffer.from(text, "latin1");
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    const piece = Buffer.from(bytes.subarray(at, at + size));
    parser.execute(piece);
    piece.fill(0x21);
    at += size;
  }
  return { ...seen, parser };
}

const chunked =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n";

describe("ResponseParser", () => {
  it("reads the same from any split of the bytes", () => {
    const counted = "HTTP/1.1 201 Created\r\nContent-Length: 11\r\nX-A: 1\r\n\r\nhello world";
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }), (sizes) => {
        for (const text of [chunked, counted]) {
          const { head, body, complete } = parse(text, sizes);
          expect([head?.headers, body, complete]).toEqual([["X-A", "1"], "hello world", "reusable "]);
        }
      }),
    );
  });

  it.each([
    ["a second status line", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    ["a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n"],
    ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"],
    ["a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b: c\r\n\r\n"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n"],
    ["a bad chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n"],
    ["a chunk that runs over", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n"],
    ["no HTTP", "SSH-2.0-OpenSSH\r\n\r\n"],
  ])("refuses %s", (_name, text) => {
    expect(() => parse(text, [7])).toThrow(BadResponse);
  });

  it("does not use a connection again after a close, HTTP/1.0, or both framings", () => {
    expect(parse("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", [9]).complete).toBe(
      "done ",
    );
    expect(parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", [9]).complete).toBe("done ");
    const both = chunked.replace("X-A: 1", "Content-Length: 3");
    expect(parse(both, [9])).toMatchObject({ complete: "done ", body: "hello world" });
  });

  it("knows answers without a body, skips 100, and reads to the end where no length is given", () => {
    expect(parse("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", [9], "HEAD").complete).toBe("reusable ");
    expect(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", [9]).complete).toBe("reusable ");
    expect(parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", [9]).head?.status).toBe(204);
    const open = parse("HTTP/1.1 200 OK\r\n\r\nabc", [9]);
    expect([open.complete, open.parser.end()]).toEqual(["", true]);
  });
});
