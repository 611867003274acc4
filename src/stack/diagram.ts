import { findReferences } from "./references.ts";
import type { Service, ServiceKind, Stack } from "./stack.ts";

/** A stack as the text of a Mermaid flowchart: what the edge serves, who calls and awaits whom, networks, database volumes. */
export function renderDiagram(stack: Stack): string {
  const lines = [
    ...visitors(stack),
    ...networks(stack),
    ...routes(stack),
    ...connections(stack),
    ...volumes(stack),
  ];
  return ["flowchart LR", ...lines.map((line) => `  ${line}`)].join("\n");
}

/** Mermaid draws the kinds apart: database a cylinder, worker a stadium, job a hexagon, static a slanted box. */
const shapes: Readonly<Record<ServiceKind, readonly [string, string]>> = {
  web: ["[", "]"],
  worker: ["([", "])"],
  database: ["[(", ")]"],
  job: ["{{", "}}"],
  static: ["[/", "/]"],
};

function visitors(stack: Stack): string[] {
  if (stack.services.every((service) => service.routes.length === 0)) return [];
  return ["visitors((visitors)) --> edge[[edge]]"];
}

/**
 * A service in several networks can be drawn in one place only, so each box is a set of networks, in the order in which the
 * services name them. Those without any network of their own (`network_mode`) stand outside.
 */
function networks(stack: Stack): string[] {
  const groups = new Map<string, Service[]>();
  for (const service of stack.services) {
    const key = Object.keys(service.compose.networks ?? {})
      .sort()
      .join(" + ");
    groups.set(key, [...(groups.get(key) ?? []), service]);
  }
  return [...groups].flatMap(([key, members], index) => {
    const nodes = members.map(node);
    if (key === "") return nodes;
    const title = key.includes(" + ") ? `networks ${key}` : networkTitle(stack, key);
    return [`subgraph n${index}[${quoted(title)}]`, ...nodes.map((line) => `  ${line}`), "end"];
  });
}

function networkTitle(stack: Stack, name: string): string {
  const network = stack.networks[name];
  const marks = [network?.internal ? "internal" : "", network?.external ? "external" : ""].filter(Boolean);
  return marks.length === 0 ? `network ${name}` : `network ${name} (${marks.join(", ")})`;
}

function node(service: Service): string {
  const [open, close] = shapes[service.kind];
  const port = service.ports[0]?.port;
  const details = [
    service.kind === "database" ? service.compose.image : port === undefined ? undefined : `:${port}`,
    service.strategy === "singleton" ? "never twice" : undefined,
    service.replicas > 1 ? `${service.replicas} replicas` : undefined,
  ].filter((detail) => detail !== undefined);
  return `${idOf(service.name)}${open}${quoted([service.name, ...details].join("<br>"))}${close}`;
}

function routes(stack: Stack): string[] {
  return stack.services.flatMap((service) => {
    const places = service.routes.map(({ host, path }) => (path === "/" ? host : host + path));
    if (places.length === 0) return [];
    return [`edge -- ${quoted([...new Set(places)].join("<br>"))} --> ${idOf(service.name)}`];
  });
}

/** A call is a full line; a dependency that no address explains is a dotted one. */
function connections(stack: Stack): string[] {
  const services = Object.fromEntries(stack.services.map(({ name, compose }) => [name, compose]));
  const { name, networks: ownNetworks, volumes: ownVolumes } = stack;
  const model = { name, services, networks: ownNetworks, volumes: ownVolumes, secrets: {}, configs: {} };
  const calls = findReferences(model).map(({ from, to }) => `${idOf(from)} --> ${idOf(to)}`);
  const waits = stack.services.flatMap((service) =>
    service.dependsOn
      .filter((dependency) => dependency.service in services)
      .map((dependency) => [idOf(service.name), idOf(dependency.service)] as const)
      .filter(([from, to]) => !calls.includes(`${from} --> ${to}`))
      .map(([from, to]) => `${from} -. awaits .-> ${to}`),
  );
  return [...new Set([...calls, ...waits])];
}

function volumes(stack: Stack): string[] {
  const databases = stack.services.filter((service) => service.kind === "database");
  const drawn = databases.flatMap((service) =>
    (service.compose.volumes ?? []).flatMap((mount) =>
      mount.type === "volume" && mount.source
        ? [`${idOf(service.name)} --- v_${plain(mount.source)}[(${quoted(`volume ${mount.source}`)})]`]
        : [],
    ),
  );
  return [...new Set(drawn)];
}

/** Mermaid's own words (`end`, `graph`) are no ids, so none is a bare service name. */
function idOf(service: string): string {
  return `s_${plain(service)}`;
}

function plain(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, (sign) => `_${sign.charCodeAt(0).toString(16)}`);
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', "#quot;")}"`;
}
