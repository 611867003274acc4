import { scopeKey } from "../../rollout/ids.ts";
import { diffStacks, type ValueChange } from "../../stack/diff-stack.ts";
import { findReferences, type Reference } from "../../stack/references.ts";
import type { Service, Stack } from "../../stack/stack.ts";
import type { Release } from "../../store/port.ts";
import { pageEndpoints, type TopologyView } from "../contract/pages.ts";
import { apiError } from "../errors.ts";
import { findRelease } from "../find-release.ts";
import { pageEvents } from "../page-events.ts";
import type { Router } from "../route.ts";
import { viewDeployment } from "../views.ts";

/** As far back as the release before one is looked for. */
const searched = 500;

export function pageRoutes(router: Router): void {
  const { store, resolve } = router.parts;

  const stackOf = (release: Release): Stack => {
    const { stack } = resolve(release.bundle, release.scope.environment);
    if (!stack) throw apiError("API_INTERNAL", `the release v${release.number} cannot be read any more`);
    return stack;
  };

  router.answer(pageEndpoints.deployments, ({ query, sees, may }) => ({
    deployments: store.deployments
      .list("all", may("read", {}) ? query.limit : searched)
      .filter(({ scope }) => sees(scope))
      .slice(0, query.limit)
      .map(viewDeployment),
  }));

  router.answer(pageEndpoints.topology, ({ params }) => {
    const current = store.scopes.get(params)?.current;
    const release = current === undefined ? undefined : store.releases.get(current);
    if (!release)
      throw apiError("API_NOT_FOUND", `nothing is deployed in ${scopeKey(params)}`, {
        hint: "Deploy it: `roadstead deploy`.",
      });
    const stack = stackOf(release);
    return {
      scope: release.scope,
      release: release.id,
      number: release.number,
      services: stack.services.map((service) => topologyService(stack, service)),
    };
  });

  router.answer(pageEndpoints.changes, ({ params, query }) => {
    const to = findRelease(store, params, params.release);
    const from =
      query.from === undefined
        ? store.releases.list(params, searched).find((release) => release.number < to.number)
        : findRelease(store, params, query.from);
    return {
      ...(from === undefined ? {} : { from: named(from) }),
      to: named(to),
      ...diffStacks(from === undefined ? undefined : stackOf(from), stackOf(to)),
      images: changesOf(digests(from), digests(to)),
      files: changesOf(from?.fileVersions ?? {}, to.fileVersions),
    };
  });

  router.stream(
    pageEndpoints.events,
    async ({ sees }) =>
      (signal: AbortSignal) =>
        pageEvents(router.parts, signal, sees),
  );
}

function topologyService(stack: Stack, service: Service): TopologyView["services"][number] {
  const { compose } = service;
  const calls = callsOf(stack)
    .filter(({ from }) => from === service.name)
    .map(({ to }) => to);
  return {
    name: service.name,
    kind: service.kind,
    strategy: service.strategy,
    replicas: service.replicas,
    ...(compose.image === undefined ? {} : { image: compose.image }),
    routes: service.routes.map(({ host, path }) => `${host}${path === "/" ? "" : path}`),
    ports: service.ports.map(({ port }) => port),
    waitsFor: service.dependsOn.map((dependency) => dependency.service),
    calls: [...new Set(calls)],
    volumes: (compose.volumes ?? []).flatMap(({ type, source }) =>
      type === "volume" && source !== undefined ? [source] : [],
    ),
    networks: Object.keys(compose.networks ?? {}),
  };
}

function callsOf({ name, networks, volumes, services }: Stack): Reference[] {
  const named = Object.fromEntries(services.map((service) => [service.name, service.compose]));
  return findReferences({ name, services: named, networks, volumes, secrets: {}, configs: {} });
}

function named({ id, number, label }: Release): { id: string; number: number; label: string } {
  return { id, number, label };
}

function digests(release: Release | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(release?.images ?? {}).map(([service, { digest, reference }]) => [
      service,
      `${reference}@${digest}`,
    ]),
  );
}

function changesOf(
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): ValueChange[] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .filter((path) => from[path] !== to[path])
    .map((path) => {
      const [before, after] = [from[path], to[path]];
      return {
        path,
        ...(before === undefined ? {} : { from: before }),
        ...(after === undefined ? {} : { to: after }),
      };
    });
}
