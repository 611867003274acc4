import { createServer } from "node:net";
import { usageError } from "../errors.ts";

export type Address = { host: string; port: number };

/** `127.0.0.1:8080`, `:8080` or `8080` (then on 127.0.0.1), `[::1]:8080`. */
export function parseAddress(text: string, option: string): Address {
  const match = /^(?:(\[[0-9a-f:.]+\]|[^:[\]]*):)?(\d{1,5})$/i.exec(text.trim());
  const port = Number(match?.[2]);
  if (!match || port < 1 || port > 65_535)
    throw usageError(
      `${option} ${text} is not an address`,
      `Write ADDRESS:PORT, e.g. ${option} 127.0.0.1:8080`,
    );
  const host = (match[1] ?? "").replace(/^\[|\]$/g, "");
  return { host: host === "" ? "127.0.0.1" : host, port };
}

export function formatAddress(address: Address): string {
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/** Whether this process could listen there now; the reason when not (`EADDRINUSE`, `EACCES`, …). */
export function canListen(address: Address): Promise<true | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(address.port, address.host, () => server.close(() => resolve(true)));
  });
}
