/** What the first page calls its numbers: the same limits as the default alert rules. */

export type BoardState = "healthy" | "warning" | "critical" | "unknown";
export type Word = { state: BoardState; word: string };

const nothingMeasured: Word = { state: "unknown", word: "Not measured" };

/** Green with services at warning; red only when one is down. */
export function servicesWord({ down, total }: { down: number; total: number }): Word {
  if (total === 0) return { state: "unknown", word: "None yet" };
  return down === 0 ? { state: "healthy", word: "Healthy" } : { state: "critical", word: `${down} down` };
}

/** Against the day's mean: far above is high, nearly nothing is low; without a day's mean it is normal. */
export function requestRateWord(perSecond: number | undefined, baseline: number | undefined): Word {
  if (perSecond === undefined) return nothingMeasured;
  if (baseline !== undefined && baseline >= 1) {
    if (perSecond > baseline * 3) return { state: "warning", word: "High" };
    if (perSecond < baseline / 10) return { state: "warning", word: "Low" };
  }
  return { state: "healthy", word: "Normal" };
}

/** Below 1 % good, above 5 % critical. */
export function errorRateWord(share: number | undefined): Word {
  if (share === undefined) return nothingMeasured;
  if (share > 0.05) return { state: "critical", word: "Critical" };
  return share >= 0.01 ? { state: "warning", word: "Elevated" } : { state: "healthy", word: "Good" };
}

/** Below the target of 500 ms fast, from a second on critical. */
export function latencyWord(ms: number | undefined): Word {
  if (ms === undefined) return nothingMeasured;
  if (ms >= 1000) return { state: "critical", word: "Very slow" };
  return ms >= 500 ? { state: "warning", word: "Slow" } : { state: "healthy", word: "Fast" };
}

export type ComponentName = "backend" | "web" | "landing";

/** Which column of the projects' table a service belongs to; databases and jobs stand in none. */
export function componentOf(service: {
  name: string;
  kind: string;
  routed: boolean;
}): ComponentName | undefined {
  const { name, kind, routed } = service;
  if (kind === "database" || kind === "job") return undefined;
  if (/landing|marketing|website/i.test(name)) return "landing";
  if (/(^|[-_.])(api|backend|server|auth|worker|bot|gateway)([-_.]|$)/i.test(name)) return "backend";
  if (/(^|[-_.])(web|front|frontend|app|ui|client|dashboard|admin|page)([-_.]|$)/i.test(name)) return "web";
  if (kind === "static") return "landing";
  return kind === "web" && routed ? "web" : "backend";
}
