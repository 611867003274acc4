import { apiError } from "../errors.ts";

/** Passwords and session cookies cross a network inside TLS only. Errors: `API_TLS_NEEDED`. */
export function requireTls({ secure, address }: { secure: boolean; address: string }): void {
  if (!secure && !isLoopback(address))
    throw apiError("API_TLS_NEEDED", "signing in over the network needs TLS");
}

function isLoopback(address: string): boolean {
  return /^(127\.|::1$|::ffff:127\.)/.test(address);
}
