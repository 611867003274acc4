import { describe, expect, it } from "vitest";
import { AddressList } from "./address-list.ts";
import { chooseCoding } from "./compression.ts";
import { originOf } from "./forwarded-headers.ts";
import { scanRequest } from "./scan-request.ts";
import { decodePath, parseByteRange } from "./static-files.ts";
import { readCookie } from "./sticky-cookie.ts";
import { closeFrame, FrameTracker } from "./websocket-frames.ts";

describe("scanRequest", () => {
  it("drops hop-by-hop fields, those that Connection names, and every claim about the hops before", () => {
    const scan = scanRequest([
      ...["Host", "a.test", "X-Keep", "1", "Connection", "close, X-Gone", "X-Gone", "1", "TE", "trailers"],
      ...[
        "X-Forwarded-For",
        "1.1.1.1",
        "X_Forwarded_For",
        "2.2.2.2",
        "X-Real-IP",
        "3.3.3.3",
        "Forwarded",
        "for=4",
      ],
      ...["Cookie", "a=1", "Cookie", "b=2", "Content-Length", "5", "Expect", "100-continue"],
    ]);
    expect(scan.lines).toBe("X-Keep: 1\r\nCookie: a=1; b=2\r\n");
    expect(scan).toMatchObject({ host: "a.test", length: 5, claims: { forwardedFor: "1.1.1.1, 2.2.2.2" } });
  });

  it("finds two hosts and odd lengths ambiguous", () => {
    expect(scanRequest(["Host", "a", "Host", "b"]).bad).not.toBe("");
    for (const length of ["+1", "1,1", "0x1", ""])
      expect(scanRequest(["Content-Length", length]).bad).not.toBe("");
  });
});

describe("originOf (R-027)", () => {
  const claims = { forwardedFor: "9.9.9.9, 203.0.113.7, 10.0.0.2", proto: "https", host: "", requestId: "" };
  const hop = { secure: false, host: "a.test" };

  it("takes the last address that is not trusted", () => {
    const origin = originOf("10.0.0.1", hop, claims, new AddressList(["10.0.0.0/8"]));
    expect(origin).toMatchObject({ client: "203.0.113.7", secure: true });
    expect(origin.lines).toContain("X-Forwarded-For: 9.9.9.9, 203.0.113.7, 10.0.0.2, 10.0.0.1\r\n");
  });

  it("believes no stranger", () => {
    const origin = originOf("198.51.100.1", hop, claims, new AddressList(["10.0.0.0/8"]));
    expect(origin).toMatchObject({ client: "198.51.100.1", secure: false });
    expect(origin.lines).toContain("X-Forwarded-For: 198.51.100.1\r\n");
  });
});

describe("small parsers of the data plane", () => {
  it.each([
    ["bytes=0-9", { from: 0, to: 9 }],
    ["bytes=90-", { from: 90, to: 99 }],
    ["bytes=-10", { from: 90, to: 99 }],
    ["bytes=0-1000", { from: 0, to: 99 }],
    ["bytes=100-", "bad"],
    ["bytes=-0", "bad"],
    ["bytes=9-1", "none"],
    ["bytes=0-1,5-6", "none"],
    ["items=0-1", "none"],
  ])("byte range %s", (header, expected) => {
    expect(parseByteRange(header, 100)).toEqual(expected);
  });

  it.each(["/../x", "/a/../../x", "/%2e%2e/x", "/.env", "/a/%2Egit/config", "/..%5cx", "/a%00", "/%zz"])(
    "path %s names no file",
    (path) => {
      expect(decodePath(path)).toBeUndefined();
    },
  );

  it("reads one cookie by its whole name", () => {
    expect(readCookie("xid=1; id=2;id2=3", "id")).toBe("2");
    expect(readCookie("xid=1; id2=3", "id")).toBeUndefined();
  });

  it("compresses only what the client takes and what is worth it", () => {
    const body = { contentType: "text/html", length: 5_000, encoded: false, noTransform: false, status: 200 };
    expect(chooseCoding("gzip, br", body)).toBe("br");
    expect(chooseCoding("gzip;q=1, br;q=0.5", body)).toBe("gzip");
    expect(chooseCoding("gzip;q=0", body)).toBeUndefined();
    for (const odd of [
      { contentType: "image/png" },
      { contentType: "text/event-stream" },
      { length: 10 },
      { encoded: true },
    ])
      expect(chooseCoding("gzip", { ...body, ...odd })).toBeUndefined();
  });

  it("knows frame boundaries through any split", () => {
    const frames = Buffer.concat([Buffer.from([0x81, 126, 1, 0]), Buffer.alloc(256), closeFrame(1001)]);
    for (let size = 1; size < 20; size += 1) {
      const tracker = new FrameTracker();
      const boundaries: number[] = [];
      for (let at = 0; at < frames.length; at += size) {
        tracker.take(frames.subarray(at, at + size));
        if (tracker.atBoundary) boundaries.push(Math.min(at + size, frames.length));
      }
      expect(boundaries.every((at) => at === 260 || at === 264)).toBe(true);
      expect(boundaries.at(-1)).toBe(264);
    }
  });
});
