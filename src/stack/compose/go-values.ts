/** Durations, sizes and 32-bit numbers in the spelling that the reference implementation (Go) prints. */

const nanoseconds: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** `90s` -> `1m30s`; `undefined` when the text is not a duration. */
export function canonicalDuration(text: string): string | undefined {
  const match = /^([-+]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (!match) return undefined;
  let total = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of text.matchAll(
    /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    const scale = nanoseconds[unit] ?? 0n;
    total += BigInt(whole === "" ? 0 : whole) * scale;
    if (fraction !== "") total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  if (total > 9_223_372_036_854_775_807n) return undefined;
  return total === 0n ? "0s" : `${match[1] === "-" ? "-" : ""}${printDuration(total)}`;
}

function printDuration(total: bigint): string {
  const decimal = (scale: bigint, unit: string) => {
    const fraction = String(total % scale)
      .padStart(String(scale).length - 1, "0")
      .replace(/0+$/, "");
    return `${total / scale}${scale > 1n && fraction !== "" ? `.${fraction}` : ""}${unit}`;
  };
  if (total < 1_000n) return decimal(1n, "ns");
  if (total < 1_000_000n) return decimal(1_000n, "µs");
  if (total < 1_000_000_000n) return decimal(1_000_000n, "ms");
  const minute = 60_000_000_000n;
  const hours = total / (60n * minute);
  const minutes = (total / minute) % 60n;
  total %= minute;
  const seconds = decimal(1_000_000_000n, "s");
  if (hours > 0n) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${minutes}m${seconds}` : seconds;
}

/** Bytes of a size as text (`1g` -> `1073741824`); `undefined` when it is none. Units count in 1024s. */
export function canonicalBytes(value: string | number): string | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : undefined;
  const match = /^(\d+(?:\.\d+)?|\.\d+) ?([kmgtp]?)(?:i?b)?$/i.exec(value);
  if (!match) return undefined;
  const power = "kmgtp".indexOf((match[2] ?? "").toLowerCase()) + 1;
  const factor = match[2] === "" ? 1 : 1024 ** power;
  return String(Math.trunc(Number(match[1]) * factor));
}

/** The shortest decimal that is the same 32-bit float. */
export function shortestFloat32(value: number): number {
  const rounded = Math.fround(value);
  for (let digits = 1; digits <= 9; digits += 1) {
    const candidate = Number(rounded.toPrecision(digits));
    if (Math.fround(candidate) === rounded) return candidate;
  }
  return rounded;
}
