import { setTimeout as wait } from "node:timers/promises";

/** The control API of a stand-in, as tests use it. */
export async function post<T = unknown>(base: string, path: string, body: unknown = {}): Promise<T> {
  const response = await fetch(`${base}/_stand-in/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export async function get<T>(base: string, path: string): Promise<T> {
  const response = await fetch(`${base}/_stand-in/${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}

/** Waits for something that another process or socket brings about; fails after ten seconds. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`did not happen within 10 s: ${what}`);
    await wait(20);
  }
}
