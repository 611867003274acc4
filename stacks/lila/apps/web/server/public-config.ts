/** What the page may know of its environment. Everybody can read it: no secrets. */
export type PublicConfig = { apiUrl: string; version: string };

/**
 * Read when the server starts, not when the image is built: so one image serves every environment. Vite would freeze
 * a `VITE_` variable into the JavaScript, hence the other name.
 */
export function readPublicConfig(env: Readonly<Record<string, string | undefined>>): PublicConfig {
  const given = env["API_URL"] || "http://localhost:3000";
  if (!URL.canParse(given) || new URL(given).origin !== given)
    throw new Error("API_URL: must be an origin such as https://api.example.com, without a path");
  if (!/^https?:/.test(given)) throw new Error("API_URL: must begin with http:// or https://");
  return { apiUrl: given, version: env["APP_VERSION"] || "dev" };
}
