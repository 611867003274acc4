import { availableParallelism } from "node:os";
import type { Clock } from "../lib/clock.ts";
import { mapLimited } from "../lib/limit.ts";
import { BuildLines, type BuildReport } from "../pipeline/build-report.ts";
import type { Scope } from "../rollout/ids.ts";
import type { ResolvedImage, Runtime } from "../runtime/port.ts";
import type { ComposeService } from "../stack/compose-model.ts";

/** Images made side by side on a host that also serves: one with two cores or less. */
const buildWidth = availableParallelism() <= 2 ? 1 : 2;

export type BuildOrder = {
  scope: Scope;
  services: readonly { name: string; compose: ComposeService }[];
  /** Contents of build secrets by name. */
  files: Readonly<Record<string, Uint8Array>>;
  noCache: boolean;
};

export type BuiltService = { image: ResolvedImage; report: BuildReport; ms: number };

/** Builds the services that have a `build` section, within the runtime's limits for builds. */
export async function buildImages(
  { runtime, clock }: { runtime: Pick<Runtime, "ensureImage">; clock: Clock },
  { scope, services, files, noCache }: BuildOrder,
  say: (line: string, service: string) => void,
  signal: AbortSignal,
): Promise<Record<string, BuiltService>> {
  const built: Record<string, BuiltService> = {};
  await mapLimited(services, buildWidth, async ({ name, compose }) => {
    const lines = new BuildLines();
    const since = clock.now();
    const wanted = (compose.build?.secrets ?? []).map((grant) => grant.source);
    const buildSecrets = Object.fromEntries(
      wanted.flatMap((secret) => (files[secret] === undefined ? [] : [[secret, files[secret]]])),
    );
    const request = {
      scope,
      service: name,
      compose: noCache ? withoutCache(compose) : compose,
      buildSecrets,
    };
    const onLine = (line: string) => {
      lines.add(line);
      say(line, name);
    };
    const image = await runtime.ensureImage(request, onLine, signal);
    built[name] = { image, report: lines.report(), ms: clock.now() - since };
  });
  return built;
}

function withoutCache(compose: ComposeService): ComposeService {
  return compose.build === undefined ? compose : { ...compose, build: { ...compose.build, no_cache: true } };
}
