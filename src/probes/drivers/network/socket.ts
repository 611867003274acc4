import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";

export type Place = { host: string; port: number };

/** An open connection; destroyed with the signal, whoever holds it. */
export function openSocket(place: Place, signal: AbortSignal): Promise<Socket> {
  return opened(connect({ host: place.host, port: place.port }), "connect", signal);
}

/** `verify: false`: the caller looks at `authorizationError` itself. */
export function openTls(
  place: Place,
  options: { ca?: string | undefined; verify?: boolean },
  signal: AbortSignal,
): Promise<TLSSocket> {
  const { ca, verify = true } = options;
  const socket = connectTls({
    host: place.host,
    port: place.port,
    rejectUnauthorized: verify,
    // A name of digits is no server name (RFC 6066).
    ...(isIP(place.host) === 0 ? { servername: place.host } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
  return opened(socket, "secureConnect", signal);
}

function opened<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const onAbort = () => socket.destroy(signal.reason instanceof Error ? signal.reason : undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("close", () => {
      signal.removeEventListener("abort", onAbort);
      reject(new Error("the connection was closed"));
    });
    // Stays for the life of the socket: a late error must not end the process.
    socket.on("error", reject);
    socket.once(event, () => resolve(socket));
    if (signal.aborted) onAbort();
  });
}
