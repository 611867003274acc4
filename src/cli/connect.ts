import type { ApiClient } from "../api/contract/client.ts";
import type { Invocation } from "./define-command.ts";

/** The API client of the control plane that the settings name; loaded only by commands that need it. */
export async function connect(invocation: Invocation): Promise<ApiClient> {
  const { createClient } = await import("../api/contract/client.ts");
  const { host, token } = invocation.settings;
  return createClient({ baseUrl: host, ...(token === undefined ? {} : { token }) });
}
