/** Times are shown in the zone of whoever looks; numbers as the board writes them. */

const two = (value: number) => String(value).padStart(2, "0");

/** `12:34:56` */
export function clock(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `2025-11-26 10:23` */
export function minute(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `just now`, `4 min ago`, `3 h ago`; older than a day, the date. */
export function ago(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000);
  if (seconds < 0) return `in ${span(-seconds * 1000)}`;
  if (seconds < 10) return "just now";
  if (seconds < 86_400) return `${span(seconds * 1000)} ago`;
  return minute(at);
}

/** `840 ms`, `12 s`, `4 min`, `3 h`, `2 d` */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`.replace(" 0 s", "");
  const minutes = Math.round(seconds / 60);
  if (seconds < 172_800) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`.replace(" 0 min", "");
  return `${Math.round(seconds / 86_400)} d`;
}

/** `1,234` */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** `1,234 req/s`; below ten with one decimal. */
export function rate(perSecond: number): string {
  const shown = perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : whole(perSecond);
  return `${shown} req/s`;
}

/** Of a share: `0.2%`, `100%`, `98.5%`. */
export function percent(share: number, decimals = 1): string {
  const text = (share * 100).toFixed(decimals);
  return `${text.replace(/\.0+$/, "")}%`;
}

/** `450 ms` */
export function millis(ms: number): string {
  return ms > 0 && ms < 10 ? `${ms.toFixed(1)} ms` : `${whole(ms)} ms`;
}

/** `25 MB/s` */
export function megabytes(bytes: number): string {
  const value = bytes / 1_000_000;
  if (value > 0 && value < 1) return value.toFixed(2);
  return value > 0 && value < 10 ? value.toFixed(1) : whole(value);
}

/** `512 MB`, `1.5 GB` */
export function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} GB`;
  if (value >= 1e6) return `${whole(value / 1e6)} MB`;
  return `${whole(value / 1e3)} kB`;
}

/** The first digits of a digest or id, enough to tell it from others. */
export function shortDigest(digest: string): string {
  return digest.replace(/sha256:([0-9a-f]{12})[0-9a-f]*/, "sha256:$1");
}

/** Filled segments of ten: value / 10, half up. */
export function segments(value: number): number {
  return Math.max(0, Math.min(10, Math.floor(value / 10 + 0.5)));
}
