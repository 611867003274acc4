/**
 * Incremental parser of HTTP/1.1 answers (RFC 9112). Strict: what is not plainly valid is an error, because a
 * misread length would hand one client's answer to the next. Pure: bytes in, calls out.
 */
export type ResponseHead = {
  status: number;
  reason: string;
  /** Name, value, name, value …; hop-by-hop fields and framing are taken out. */
  headers: string[];
  /** Body bytes; -1 when the end is not known beforehand. */
  length: number;
  contentType: string;
  encoded: boolean;
  hasDate: boolean;
  noTransform: boolean;
  /** Value of Upgrade, for status 101. */
  upgrade: string;
};

export type ResponseSink = {
  onHead(head: ResponseHead): void;
  /** The chunk lives in a reused buffer: copy what must outlast the call. */
  onBody(chunk: Buffer): void;
  /** @param reusable the connection may carry another request. */
  onComplete(reusable: boolean): void;
};

export class BadResponse extends Error {}

const maxHead = 65_536;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const none = Buffer.alloc(0);

type Mode = "head" | "length" | "close" | "size" | "chunk" | "chunkEnd" | "trailer" | "done" | "raw";

export class ResponseParser {
  #sink: ResponseSink;
  #mode: Mode = "done";
  #rest: Buffer = none;
  #left = 0;
  #withoutBody = false;
  #reusable = true;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Expects the answer to a request of this method next. */
  begin(sink: ResponseSink, method: string): void {
    this.#sink = sink;
    this.#mode = "head";
    this.#withoutBody = method === "HEAD";
    this.#reusable = true;
  }

  get idle(): boolean {
    return this.#mode === "done";
  }

  /** @throws BadResponse the connection must be closed. */
  execute(chunk: Buffer): void {
    let data = chunk;
    if (this.#rest.length > 0) {
      data = Buffer.concat([this.#rest, chunk]);
      this.#rest = none;
    }
    let at = 0;
    while (at < data.length) {
      const next = this.#step(data, at);
      if (next < 0) {
        // A copy: the bytes given to us are overwritten by the next read.
        this.#rest = Buffer.from(data.subarray(at));
        if (this.#rest.length > maxHead) throw new BadResponse("header or chunk line is too long");
        return;
      }
      at = next;
    }
  }

  /** The peer ended the stream; true when that completes the answer. */
  end(): boolean {
    if (this.#mode !== "close") return false;
    this.#mode = "done";
    this.#sink.onComplete(false);
    return true;
  }

  /** Position after what was consumed, or -1 when more bytes are needed. */
  #step(data: Buffer, at: number): number {
    switch (this.#mode) {
      case "head":
        return this.#head(data, at);
      case "length":
      case "chunk":
        return this.#counted(data, at);
      case "close":
      case "raw":
        this.#sink.onBody(at === 0 ? data : data.subarray(at));
        return data.length;
      case "size":
        return this.#size(data, at);
      case "chunkEnd":
        if (data.length - at < 2) return -1;
        if (data[at] !== 13 || data[at + 1] !== 10)
          throw new BadResponse("chunk does not end where it should");
        this.#mode = "size";
        return at + 2;
      case "trailer":
        return this.#trailer(data, at);
      case "done":
        throw new BadResponse("bytes after the end of the answer");
    }
  }

  #head(data: Buffer, at: number): number {
    const end = data.indexOf("\r\n\r\n", at, "latin1");
    if (end < 0) return -1;
    if (end - at > maxHead) throw new BadResponse("header is too long");
    const parsed = parseHead(data.toString("latin1", at, end));
    const { head } = parsed;
    if (head.status >= 100 && head.status < 200 && head.status !== 101) return end + 4;
    if (head.status === 101) {
      this.#mode = "raw";
      this.#sink.onHead(head);
      return end + 4;
    }
    this.#reusable = parsed.keepAlive;
    const bodiless = this.#withoutBody || head.status === 204 || head.status === 304;
    if (bodiless) {
      this.#mode = "length";
      this.#left = 0;
    } else if (parsed.chunked) this.#mode = "size";
    else if (head.length >= 0) {
      this.#mode = "length";
      this.#left = head.length;
    } else {
      this.#mode = "close";
      this.#reusable = false;
    }
    this.#sink.onHead(head);
    if (this.#mode === "length" && this.#left === 0) this.#complete();
    return end + 4;
  }

  #counted(data: Buffer, at: number): number {
    const take = Math.min(this.#left, data.length - at);
    this.#left -= take;
    this.#sink.onBody(data.subarray(at, at + take));
    if (this.#left === 0) {
      if (this.#mode === "chunk") this.#mode = "chunkEnd";
      else this.#complete();
    }
    return at + take;
  }

  #size(data: Buffer, at: number): number {
    const end = data.indexOf("\r\n", at, "latin1");
    if (end < 0) return -1;
    const match = /^([0-9a-fA-F]{1,13})[ \t]*(?:;[^\r\n]*)?$/.exec(data.toString("latin1", at, end));
    if (!match) throw new BadResponse("chunk size is not a number");
    this.#left = Number.parseInt(match[1] ?? "", 16);
    this.#mode = this.#left === 0 ? "trailer" : "chunk";
    return end + 2;
  }

  #trailer(data: Buffer, at: number): number {
    const end = data.indexOf("\r\n", at, "latin1");
    if (end < 0) return -1;
    if (end === at) this.#complete();
    return end + 2;
  }

  #complete(): void {
    this.#mode = "done";
    this.#sink.onComplete(this.#reusable);
  }
}

type ParsedHead = { head: ResponseHead; chunked: boolean; keepAlive: boolean };

function parseHead(text: string): ParsedHead {
  let lineEnd = text.indexOf("\r\n");
  const start = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const status = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: (.*))?$/.exec(start);
  if (!status) throw new BadResponse("no HTTP/1.1 status line");
  const head: ResponseHead = {
    status: Number(status[2]),
    reason: status[3] ?? "",
    headers: [],
    length: -1,
    contentType: "",
    encoded: false,
    hasDate: false,
    noTransform: false,
    upgrade: "",
  };
  const parsed: ParsedHead = { head, chunked: false, keepAlive: status[1] === "1" };
  while (lineEnd >= 0) {
    const from = lineEnd + 2;
    lineEnd = text.indexOf("\r\n", from);
    const to = lineEnd < 0 ? text.length : lineEnd;
    const colon = text.indexOf(":", from);
    if (colon < 0 || colon >= to) throw new BadResponse("header line without a colon");
    const name = text.slice(from, colon);
    if (!token.test(name)) throw new BadResponse("header name is not a token");
    takeField(parsed, name, text.slice(colon + 1, to).trim());
  }
  if (parsed.chunked && head.length >= 0) {
    // RFC 9112 6.3: the chunks win; such a connection is not used again.
    head.length = -1;
    parsed.keepAlive = false;
  }
  return parsed;
}

/** Reads what framing and the edge need to know, and passes on the rest. */
function takeField(parsed: ParsedHead, name: string, value: string): void {
  const { head } = parsed;
  switch (name.length) {
    case 4:
      if (name.toLowerCase() === "date") head.hasDate = true;
      break;
    case 7: {
      const lower = name.toLowerCase();
      if (lower === "trailer") return;
      if (lower === "upgrade") {
        head.upgrade = value;
        return;
      }
      break;
    }
    case 10: {
      const lower = name.toLowerCase();
      if (lower === "keep-alive") return;
      if (lower === "connection") {
        takeConnection(parsed, value.toLowerCase());
        return;
      }
      break;
    }
    case 12:
      if (name.toLowerCase() === "content-type") head.contentType = value;
      break;
    case 13:
      if (name.toLowerCase() === "cache-control") head.noTransform = /\bno-transform\b/i.test(value);
      break;
    case 14:
      if (name.toLowerCase() === "content-length") {
        takeLength(head, value);
        return;
      }
      break;
    case 16: {
      const lower = name.toLowerCase();
      if (lower === "proxy-connection") return;
      if (lower === "content-encoding") head.encoded = value.toLowerCase() !== "identity";
      break;
    }
    case 17:
      if (name.toLowerCase() !== "transfer-encoding") break;
      if (value.toLowerCase() !== "chunked" || parsed.chunked)
        throw new BadResponse("transfer coding is not known");
      parsed.chunked = true;
      return;
  }
  head.headers.push(name, value);
}

function takeLength(head: ResponseHead, value: string): void {
  if (!/^\d{1,15}$/.test(value) || (head.length >= 0 && head.length !== Number(value)))
    throw new BadResponse("content length is not one number");
  head.length = Number(value);
}

function takeConnection(parsed: ParsedHead, value: string): void {
  if (value === "keep-alive") parsed.keepAlive = true;
  else if (value === "close") parsed.keepAlive = false;
  else {
    const options = value.split(",").map((option) => option.trim());
    if (options.includes("close")) parsed.keepAlive = false;
  }
}
