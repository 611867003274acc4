/** A `ports` entry in the short form, one per container port. */
export type ShortPort = { host_ip?: string; target: number; published?: string; protocol: string };

/** `[[HOST_IP:]HOST:]CONTAINER[/PROTOCOL]`, each port also as a range; IPv6 addresses stand in brackets. */
export function parseShortPort(spec: string): ShortPort[] | { problem: string } {
  const slash = spec.indexOf("/");
  const protocol = (slash < 0 ? "tcp" : spec.slice(slash + 1)).toLowerCase();
  if (slash >= 0 && protocol === "") return { problem: `\`${spec}\` has no protocol after the slash` };
  if (!["tcp", "udp", "sctp"].includes(protocol))
    return { problem: `\`${protocol}\` is not a protocol; expected tcp, udp or sctp` };
  const address = splitAddress(slash < 0 ? spec : spec.slice(0, slash));
  if ("problem" in address) return address;
  const target = parseRange(address.container);
  if (target === undefined)
    return { problem: `\`${address.container}\` is not a container port (1-65535) or a range` };
  const published = address.host === "" ? undefined : parseRange(address.host);
  if (address.host !== "" && published === undefined) {
    return { problem: `\`${address.host}\` is not a host port (0-65535) or a range` };
  }
  return expand(target, published, protocol, address.ip);
}

type Range = { from: number; to: number };

function expand(
  target: Range,
  published: Range | undefined,
  protocol: string,
  ip: string,
): ShortPort[] | { problem: string } {
  const count = target.to - target.from;
  const single = count === 0;
  if (published && !single && published.to - published.from !== count) {
    return { problem: "the host range and the container range have different lengths" };
  }
  const ports: ShortPort[] = [];
  for (let index = 0; index <= count; index += 1) {
    const port: ShortPort = { target: target.from + index, protocol };
    if (ip !== "") port.host_ip = ip;
    if (published) {
      const range = single && published.to !== published.from;
      port.published = range ? `${published.from}-${published.to}` : String(published.from + index);
    }
    ports.push(port);
  }
  // The reference sorts expanded ports as text.
  return ports.sort((a, b) => (`${a.target}/` < `${b.target}/` ? -1 : 1));
}

function splitAddress(spec: string): { ip: string; host: string; container: string } | { problem: string } {
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(spec);
  const rest = (bracketed?.[2] ?? spec).split(":");
  const container = rest.pop() ?? "";
  const host = rest.pop() ?? "";
  const ip = bracketed?.[1] ?? rest.join(":");
  if (bracketed && rest.length > 0) return { problem: `\`${spec}\` has too many colons` };
  if (container === "") return { problem: `\`${spec}\` has no container port` };
  if (ip !== "" && !isAddress(ip)) return { problem: `\`${ip}\` is not an IP address` };
  return { ip, host, container };
}

function parseRange(text: string): Range | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const from = Number(match[1]);
  const to = match[2] === undefined ? from : Number(match[2]);
  return from > to || to > 65_535 ? undefined : { from, to };
}

/** IPv4 or IPv6, in any spelling that the engine takes. */
export function isAddress(text: string): boolean {
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(text)) return text.split(".").every((part) => Number(part) <= 255);
  if (!text.includes(":") || !/^[0-9a-fA-F:.]+(%\w+)?$/.test(text)) return false;
  const groups = text.split(":");
  const length = groups.length + (groups.at(-1)?.includes(".") ? 1 : 0);
  const complete = text.includes("::") ? length <= 9 : length === 8;
  return complete && groups.every((group) => group.length <= 4 || /[.%]/.test(group));
}
