import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the n-th request gets instead of its answer, and the ones after it. */
export type S3Failure = { from: number; how: "error" | "cut" | "denied" };

/**
 * As much of S3 as restic speaks: objects of one bucket in memory, path style, one access key.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
export class S3StandIn {
  readonly objects = new Map<string, Buffer>();
  readonly requests: string[] = [];
  failure: S3Failure | undefined;
  /** Only one request fails, and the next one is well again. */
  once = false;
  readonly #accessKey: string;
  readonly #server: Server;

  constructor(accessKey: string) {
    this.#accessKey = accessKey;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? "/", "http://s3");
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    const fails = this.failure;
    if (fails && (this.once ? this.requests.length === fails.from : this.requests.length >= fails.from)) {
      if (fails.how === "cut") return request.socket.destroy();
      request.resume();
      if (fails.how === "denied") return refuse(response, 403, "AccessDenied");
      return refuse(response, 500, "InternalError");
    }
    const body = await bodyOf(request);
    if (!(request.headers.authorization ?? "").includes(`Credential=${this.#accessKey}/`))
      return refuse(response, 403, "InvalidAccessKeyId");
    const [, , ...rest] = url.pathname.split("/");
    const key = decodeURIComponent(rest.join("/"));
    if (key === "") return this.#bucket(request, url, { response, body });
    return this.#object(request, key, { response, body });
  }

  #bucket(request: IncomingMessage, url: URL, { response, body }: Answered): ServerResponse {
    if (url.searchParams.has("location"))
      return xml(response, '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>');
    if (request.method === "HEAD" || request.method === "PUT") return response.writeHead(200).end();
    if (url.searchParams.has("delete")) {
      for (const [, key] of body.toString("utf8").matchAll(/<Key>([^<]+)<\/Key>/g))
        this.objects.delete(key ?? "");
      return xml(response, "<DeleteResult/>");
    }
    const prefix = url.searchParams.get("prefix") ?? "";
    const delimiter = url.searchParams.get("delimiter") ?? "";
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    const folders = new Set<string>();
    const plain = keys.filter((key) => {
      const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      if (at >= 0) folders.add(key.slice(0, at + 1));
      return at < 0;
    });
    const contents = plain.map((key) => {
      const object = this.objects.get(key) ?? Buffer.alloc(0);
      return `<Contents><Key>${key}</Key><Size>${object.byteLength}</Size><ETag>"${etag(object)}"</ETag><LastModified>2026-11-21T00:00:00.000Z</LastModified></Contents>`;
    });
    const common = [...folders].map(
      (folder) => `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`,
    );
    return xml(
      response,
      `<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>${plain.length}</KeyCount>${contents.join("")}${common.join("")}</ListBucketResult>`,
    );
  }

  #object(request: IncomingMessage, key: string, { response, body }: Answered): ServerResponse {
    if (request.method === "PUT") {
      this.objects.set(key, body);
      return response.writeHead(200, { etag: `"${etag(body)}"` }).end();
    }
    if (request.method === "DELETE") {
      this.objects.delete(key);
      return response.writeHead(204).end();
    }
    const object = this.objects.get(key);
    if (!object) return refuse(response, 404, "NoSuchKey");
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const from = Number(range?.[1] ?? 0);
    const to = range?.[2] ? Number(range[2]) + 1 : object.byteLength;
    const part = object.subarray(from, to);
    response.writeHead(range ? 206 : 200, {
      "content-length": part.byteLength,
      etag: `"${etag(object)}"`,
      "last-modified": "Sat, 21 Nov 2026 00:00:00 GMT",
      ...(range
        ? { "content-range": `bytes ${from}-${from + part.byteLength - 1}/${object.byteLength}` }
        : {}),
    });
    return response.end(request.method === "HEAD" ? undefined : part);
  }
}

type Answered = { response: ServerResponse; body: Buffer };

/** Bodies that are signed in pieces come as `<length>;chunk-signature=…` lines with the bytes between. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  if (!String(request.headers["x-amz-content-sha256"]).startsWith("STREAMING-")) return whole;
  const pieces: Buffer[] = [];
  for (let at = 0; at < whole.byteLength; ) {
    const end = whole.indexOf("\r\n", at);
    const length = Number.parseInt(whole.subarray(at, end).toString("latin1"), 16);
    if (!(length > 0)) break;
    pieces.push(whole.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  return Buffer.concat(pieces);
}

function refuse(response: ServerResponse, status: number, code: string): ServerResponse {
  response.writeHead(status, { "content-type": "application/xml" });
  return response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

function xml(response: ServerResponse, text: string): ServerResponse {
  return response.writeHead(200, { "content-type": "application/xml" }).end(`<?xml version="1.0"?>${text}`);
}

function etag(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("hex");
}
