import { registryOf } from "../../../stack/image-reference.ts";
import { RegistryError } from "../../errors.ts";

/** Where a repository is asked for: its host's root address, and its path there. */
export type Endpoint = { registry: string; root: string; path: string };

/** Docker Hub answers at another host than its images are named after. */
const hub = "registry-1.docker.io";

export function endpointOf(repository: string, insecure: readonly string[]): Endpoint {
  const registry = registryOf(repository);
  const bare = repository.startsWith(`${registry}/`) ? repository.slice(registry.length + 1) : repository;
  const isHub = registry === "docker.io";
  const path = isHub && !bare.includes("/") ? `library/${bare}` : bare;
  if (!/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(path) || !/^[a-z0-9.-]+(?::\d+)?$/i.test(registry))
    throw new RegistryError("REGISTRY_ANSWER_INVALID", `${repository} is not the name of a repository`);
  const scheme = mayBePlain(registry, insecure) ? "http" : "https";
  return { registry, root: `${scheme}://${isHub ? hub : registry}`, path };
}

/** Loopback never leaves the host; everything else without TLS is the operator's word. */
export function mayBePlain(host: string, insecure: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, "");
  return name === "localhost" || /^127(?:\.\d{1,3}){3}$/.test(name) || insecure.includes(host);
}

/** Refuses an address that would carry a login or an answer in the clear. */
export function checkTransport(address: URL, insecure: readonly string[]): void {
  if (address.protocol === "https:") return;
  if (address.protocol === "http:" && mayBePlain(address.host, insecure)) return;
  throw new RegistryError("REGISTRY_INSECURE", `${address.host} would be asked without TLS`);
}
