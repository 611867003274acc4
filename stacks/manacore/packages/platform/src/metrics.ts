const counters = new Map<string, Map<string, number>>();

/** Counts in this process; names and labels are constants of the code, so the map stays small. */
export function count(name: string, label: string): void {
  const series = counters.get(name) ?? new Map<string, number>();
  series.set(label, (series.get(label) ?? 0) + 1);
  counters.set(name, series);
}

/** Prometheus text format. */
export function renderMetrics(): string {
  const lines: string[] = [];
  for (const [name, series] of counters) {
    lines.push(`# TYPE ${name} counter`);
    for (const [label, value] of series) lines.push(`${name}{kind="${label}"} ${value}`);
  }
  return `${lines.join("\n")}\n`;
}
