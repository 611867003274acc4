import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";
import { run } from "../../../lib/run.ts";
import { runtimeError } from "../../errors.ts";
import type { NetworkInspect } from "./engine-types.ts";
import { parseSubnet, type Subnet } from "./subnets.ts";

const ipTimeoutMs = 10_000;

/** Which service has which host address in a network; the engine has no place to keep it, labels being fixed at creation. */
export type AddressBook = { subnet: string; addresses: Record<string, string> };

export async function readAddressBook(directory: string, network: string): Promise<AddressBook | undefined> {
  try {
    return JSON.parse(await readFile(bookPath(directory, network), "utf8")) as AddressBook;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw runtimeError("RUNTIME_RESOURCE_FAILED", `cannot read the addresses of network ${network}`, {
      cause: error,
      hint: `Remove ${bookPath(directory, network)} and deploy again.`,
    });
  }
}

export async function writeAddressBook(directory: string, network: string, book: AddressBook): Promise<void> {
  await writeFileAtomic(bookPath(directory, network), `${JSON.stringify(book)}\n`);
}

export async function removeAddressBook(directory: string, network: string): Promise<void> {
  await rm(bookPath(directory, network), { force: true });
}

function bookPath(directory: string, network: string): string {
  return join(directory, "networks", `${network.replace(/[^A-Za-z0-9_.-]/g, "_")}.json`);
}

/** The host's network interface of a bridge network. */
export function bridgeName(network: Pick<NetworkInspect, "Id" | "Options">): string {
  return network.Options?.["com.docker.network.bridge.name"] ?? `br-${network.Id.slice(0, 12)}`;
}

type IpAddressJson = { addr_info?: { local?: string }[] };

/** Puts addresses on a bridge so that the edge can listen on them; those already there are left alone. Needs CAP_NET_ADMIN. */
export async function addHostAddresses(
  bridge: string,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (addresses.length === 0) return;
  const shown = await ip(["-j", "-4", "addr", "show", "dev", bridge], signal);
  const present = new Set(
    (JSON.parse(shown.stdout || "[]") as IpAddressJson[]).flatMap((device) =>
      (device.addr_info ?? []).map((address) => address.local),
    ),
  );
  for (const address of addresses) {
    if (present.has(address)) continue;
    await ip(["addr", "add", `${address}/32`, "dev", bridge], signal, "File exists");
  }
}

/** Networks that the host already has an address in or a way to. */
export async function hostSubnets(signal: AbortSignal): Promise<Subnet[]> {
  const { stdout } = await ip(["-j", "-4", "route", "show"], signal);
  return (JSON.parse(stdout || "[]") as { dst?: string }[]).flatMap(({ dst }) => {
    const subnet = dst === undefined || dst === "default" ? undefined : parseSubnet(dst);
    return subnet === undefined || subnet.prefix === 0 ? [] : [subnet];
  });
}

async function ip(
  args: readonly string[],
  signal: AbortSignal,
  accepted?: string,
): Promise<{ stdout: string }> {
  const outcome = await run(["ip", ...args], { timeoutMs: ipTimeoutMs, signal });
  if (outcome.exitCode === 0 || (accepted !== undefined && outcome.stderr.includes(accepted))) return outcome;
  const permission = /not permitted|denied/i.test(outcome.stderr);
  throw runtimeError("RUNTIME_RESOURCE_FAILED", `ip ${args.join(" ")} failed: ${outcome.stderr.trim()}`, {
    hint: permission
      ? "Stable service addresses need root or CAP_NET_ADMIN: run the control plane with it."
      : "Check that iproute2 is installed and that the Docker network exists.",
  });
}
