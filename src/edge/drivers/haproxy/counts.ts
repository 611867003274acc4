/** Counts of one HAProxy server, as `show stat` gives them (management guide, 9.1). */
export type RawCounts = {
  status1xx: number;
  status2xx: number;
  status3xx: number;
  status4xx: number;
  status5xx: number;
  other: number;
  /** Connections that could not be opened, for good. */
  connectErrors: number;
  /** No or broken answer. */
  responseErrors: number;
  /** Connection attempts given to another server. */
  redispatched: number;
};

export const noCounts: RawCounts = {
  ...{ status1xx: 0, status2xx: 0, status3xx: 0, status4xx: 0, status5xx: 0, other: 0 },
  ...{ connectErrors: 0, responseErrors: 0, redispatched: 0 },
};

/** One line of `show stat`: a server with its counts and open sessions. */
export type ServerStat = { pool: string; server: string; open: number; counts: RawCounts };

const columns: Readonly<Record<keyof RawCounts, string>> = {
  status1xx: "hrsp_1xx",
  status2xx: "hrsp_2xx",
  status3xx: "hrsp_3xx",
  status4xx: "hrsp_4xx",
  status5xx: "hrsp_5xx",
  other: "hrsp_other",
  connectErrors: "econ",
  responseErrors: "eresp",
  redispatched: "wredis",
};

/** Parses the CSV of one or more `show stat`; header lines name the columns, which differ between versions. */
export function parseStats(text: string): ServerStat[] {
  let header: readonly string[] = [];
  const stats: ServerStat[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("# pxname")) header = line.slice(2).split(",");
    else if (line.includes(",")) {
      const values = line.split(",");
      const number = (name: string) => Number(values[header.indexOf(name)] || 0);
      const counts = { ...noCounts };
      for (const [key, column] of Object.entries(columns)) counts[key as keyof RawCounts] = number(column);
      stats.push({ pool: values[0] ?? "", server: values[1] ?? "", open: number("scur"), counts });
    }
  }
  return stats;
}

export function addCounts(a: RawCounts, b: RawCounts): RawCounts {
  return combine(a, b, (x, y) => x + y);
}

export function subtractCounts(a: RawCounts, b: RawCounts): RawCounts {
  return combine(a, b, (x, y) => Math.max(0, x - y));
}

function combine(a: RawCounts, b: RawCounts, how: (x: number, y: number) => number): RawCounts {
  const sum = { ...a };
  for (const key of Object.keys(noCounts) as (keyof RawCounts)[]) sum[key] = how(a[key], b[key]);
  return sum;
}
