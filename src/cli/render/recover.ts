import type { ReadinessView, RecoveryView } from "../../api/contract/recover.ts";
import type { RecoverOffer } from "../recover-home.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { age, ago } from "./time.ts";

/** What lies in the repository, before anything is done. */
export function renderOffer(offer: RecoverOffer, now: number, style: Style): string {
  const { installation, takenAt, verdict, snapshot, images, data } = offer;
  const state = `Control plane ${installation}: state ${ago(takenAt, now)} (${verdict}, ${snapshot.slice(0, 8)}), ${images} images\n`;
  const rows = data.map(({ scope, source, kind, takenAt: at, verdict: judged }) => [
    scope,
    source,
    kind,
    ago(at, now),
    judged === "verified" ? style.good(judged) : style.warn(judged),
  ]);
  const table =
    rows.length === 0
      ? "No data of any stack.\n"
      : renderTable(["STACK", "SOURCE", "KIND", "TAKEN", "VERDICT"], rows, style);
  return `${state}${table}`;
}

/** Stack by stack: how much was lost, how long it took, and what answers now. */
export function renderRecovery(recovery: RecoveryView, now: number, style: Style): string {
  const rows = recovery.stacks.map((stack) => {
    const { scope, number, items, routes, state, phase, reason } = stack;
    const oldest = Math.min(...items.flatMap(({ takenAt }) => takenAt ?? []));
    const lost = items
      .filter((one) => one.state === "lost")
      .map(({ name, reason: why }) => `${name} (${why ?? "no copy"})`);
    const good = routes.filter(({ ok }) => ok).length;
    const verdict = lost.length > 0 ? `not back: ${lost.join(", ")}` : state;
    const words =
      state === "running" ? `running: ${phase}` : state === "failed" ? `failed: ${reason}` : verdict;
    return [
      `${scope.stack}/${scope.environment}`,
      `v${number}`,
      Number.isFinite(oldest) ? age(oldest, recovery.startedAt) : "-",
      stack.finishedAt === undefined ? "-" : age(recovery.startedAt, stack.finishedAt),
      routes.length === 0 ? "-" : `${good} of ${routes.length}`,
      state === "done" && lost.length === 0 ? style.good(words) : style.warn(words),
    ];
  });
  const header = ["STACK", "RELEASE", "RPO", "RTO", "ROUTES", "VERDICT"];
  const took = age(recovery.startedAt, recovery.finishedAt ?? now);
  const whole = `Control plane: state ${age(recovery.takenAt, recovery.startedAt)} old, epoch ${recovery.epoch}; ${recovery.state} after ${took}\n`;
  return `${rows.length === 0 ? "No stacks.\n" : renderTable(header, rows, style)}${whole}`;
}

export function renderReadiness(readiness: ReadinessView, now: number, style: Style): string {
  const { state, missing } = readiness;
  const first =
    state === undefined
      ? `${style.bad("no copy")} of the control plane's state\n`
      : `${state.verdict === "verified" ? style.good("verified") : style.bad(state.verdict)} copy of the control plane's state, ${ago(state.at, now)}, in ${state.repository}${state.reasons.map((reason) => `\n  ${reason}`).join("")}\n`;
  if (missing.length === 0) return `${first}${style.good("every")} release has a copy of its images\n`;
  const rows = missing.map(({ scope, number, service, reference, why }) => [
    scope,
    `v${number}`,
    service,
    reference,
    why,
  ]);
  return `${first}${renderTable(["STACK", "RELEASE", "SERVICE", "IMAGE", "NO COPY BECAUSE"], rows, style)}`;
}
