export type Environment = Record<string, string | undefined>;

/** Where a stand-in listens. */
export function listenOn(env: Environment): { port: number; host: string } {
  return { port: numberFrom(env, "PORT", 8080), host: env["HOST"] || "0.0.0.0" };
}

export function numberFrom(env: Environment, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number, not "${text}"`);
  return value;
}

export function listFrom(env: Environment, name: string, fallback = ""): string[] {
  const text = env[name] || fallback;
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** `*` accepts every key that is not empty. */
export function accepts(keys: readonly string[], given: string): boolean {
  return given !== "" && (keys.includes("*") || keys.includes(given));
}
