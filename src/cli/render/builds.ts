import type { BuildResultView } from "../../api/contract/images.ts";
import { formatBytes } from "../../lib/bytes.ts";
import type { Style } from "./style.ts";

/** Slower steps are worth a line. */
const shownSteps = 8;

/** Digest, size and phases of each image. */
export function renderBuilds(results: readonly BuildResultView[], style: Style): string {
  return results.map((result) => `${lines(result, style).join("\n")}\n`).join("");
}

function lines(result: BuildResultView, style: Style): string[] {
  const { service, reference, digest, sizeBytes, steps, cached, buildMs, pushMs, pushed } = result;
  const size = sizeBytes === undefined ? "" : `, ${formatBytes(sizeBytes)}`;
  const cache = steps.length === 0 ? "" : `, ${cached} of ${steps.length} steps from the cache`;
  const slowest = steps
    .filter((step) => !step.cached && (step.seconds ?? 0) > 0)
    .sort((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0))
    .slice(0, shownSteps);
  return [
    `${style.good("✓")} ${service}: ${reference} ${digest}${size}`,
    `   build ${seconds(buildMs)}${cache}`,
    ...slowest.map((step) =>
      style.dim(`     ${seconds((step.seconds ?? 0) * 1000).padStart(7)}  ${step.name}`),
    ),
    ...(pushed && pushMs !== undefined
      ? [
          `   push ${seconds(pushMs)}, ${pushed.reused} of ${pushed.layers} layers were there, ${formatBytes(pushed.sentBytes)} sent`,
          `   ${pushed.repository}@${pushed.digest}`,
          `   ${[...pushed.versions, ...pushed.aliases].join(", ")}`,
        ]
      : []),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
