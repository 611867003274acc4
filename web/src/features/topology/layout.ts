import { graphlib, layout } from "@dagrejs/dagre";
import type { TopologyView } from "../../../../src/api/contract/pages.ts";

export const nodeSize = { width: 184, height: 68 };
const margin = 8;

export type Placed = {
  width: number;
  height: number;
  /** Upper left corners. */
  nodes: ReadonlyMap<string, { x: number; y: number }>;
  edges: readonly { from: string; to: string; kind: "route" | "call" | "wait"; path: string }[];
};

/** The name under which visitors stand among the services; no service can be called so. */
export const visitors = " visitors";

/** Where services and arrows stand: visitors at the left, what they depend on to the right. */
export function placeTopology(services: TopologyView["services"]): Placed {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 64, marginx: margin, marginy: margin });
  graph.setDefaultEdgeLabel(() => ({}));
  const edges = edgesOf(services);
  if (edges.some(({ kind }) => kind === "route")) graph.setNode(visitors, { width: 84, height: 40 });
  for (const { name } of services) graph.setNode(name, { ...nodeSize });
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  const nodes = new Map<string, { x: number; y: number }>();
  for (const name of graph.nodes()) {
    const { x, y, width, height } = graph.node(name) as Record<"x" | "y" | "width" | "height", number>;
    nodes.set(name, { x: x - width / 2, y: y - height / 2 });
  }
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    nodes,
    edges: edges.map((edge) => {
      const { points } = graph.edge(edge.from, edge.to) as { points: { x: number; y: number }[] };
      return { ...edge, path: curve(points) };
    }),
  };
}

/** A dependency that an address explains already is drawn once. */
function edgesOf(
  services: TopologyView["services"],
): { from: string; to: string; kind: "route" | "call" | "wait" }[] {
  const known = new Set(services.map(({ name }) => name));
  return services.flatMap((service) => [
    ...(service.routes.length > 0 ? [{ from: visitors, to: service.name, kind: "route" as const }] : []),
    ...service.calls
      .filter((to) => known.has(to))
      .map((to) => ({ from: service.name, to, kind: "call" as const })),
    ...service.waitsFor
      .filter((to) => known.has(to) && !service.calls.includes(to))
      .map((to) => ({ from: service.name, to, kind: "wait" as const })),
  ]);
}

/** A smooth line through the points. */
function curve(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x} ${first.y}`;
  let before = first;
  for (const point of rest) {
    const middle = (before.x + point.x) / 2;
    path += `C${middle} ${before.y} ${middle} ${point.y} ${point.x} ${point.y}`;
    before = point;
  }
  return path;
}
