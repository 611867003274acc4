import type { ScopeStatus, ServiceStatus } from "../../reconciler/engine.ts";
import { scopeKey } from "../../rollout/ids.ts";
import { audited } from "../audited.ts";
import { type PublicStatus, type StatusSettings, statusPageEndpoints } from "../contract/status-page.ts";
import { apiError } from "../errors.ts";
import type { Router } from "../route.ts";

const collection = "statusPage";
const key = "settings";
const off: StatusSettings = { enabled: false, title: "Status", scopes: [] };
/** Strangers may ask as often as they like: the services are looked at this often. */
const keptMs = 10_000;

type State = PublicStatus["state"];

/** What each state of a service is called before strangers: no cause, no number, no name of a replica. */
const states: Readonly<Record<ServiceStatus["state"], State>> = {
  healthy: "up",
  completed: "up",
  degraded: "warn",
  starting: "warn",
  down: "down",
  stopped: "down",
  "crash-looping": "down",
  unknown: "unknown",
};
const gravest: readonly State[] = ["down", "warn", "unknown", "up"];

export function statusPageRoutes(router: Router): void {
  const { store, engine, clock } = router.parts;
  const settings = () => store.records.get<StatusSettings>(collection, key) ?? off;
  let kept: { until: number; answer: Promise<PublicStatus> } | undefined;

  router.answer(statusPageEndpoints.public, () => {
    const present = settings();
    if (!present.enabled) throw apiError("API_NOT_FOUND", "there is no public status page");
    const now = clock.now();
    if (!kept || kept.until <= now) {
      const answer = engine.list().then((scopes) => publicStatus(present, scopes, now));
      kept = { until: now + keptMs, answer };
      // A failure is not kept: the next one who asks looks again.
      answer.catch(() => {
        kept = undefined;
      });
    }
    return kept.answer;
  });

  router.answer(statusPageEndpoints.settings, settings);

  router.answer(statusPageEndpoints.save, ({ body, actor }) =>
    audited(router.parts, { by: actor(), action: "statusPage.save", target: "status page" }, (detail) => {
      detail({ before: settings(), after: body });
      store.records.put<StatusSettings>(collection, key, body);
      kept = undefined;
      return body;
    }),
  );
}

/** Only what faces visitors: workers and databases are nobody's business. */
function publicStatus(
  { title, scopes: shown }: StatusSettings,
  scopes: readonly ScopeStatus[],
  at: number,
): PublicStatus {
  const stacks = scopes
    .filter(({ scope }) => shown.includes(scopeKey(scope)))
    .map(({ scope, services }) => ({
      name: scope.environment === "production" ? scope.stack : `${scope.stack} (${scope.environment})`,
      components: services
        .filter(({ urls }) => urls.length > 0)
        .map(({ name, state }) => ({ name, state: states[state] })),
    }));
  const all = stacks.flatMap(({ components }) => components.map(({ state }) => state));
  return { title, at, state: gravest.find((state) => all.includes(state)) ?? "unknown", stacks };
}
