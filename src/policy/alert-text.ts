import type { AlertLevel, AlertRule, AlertSeverity, AlertUnit, Reading } from "./alert-rule.ts";

/** The one table of symbols and words: what colour and sign mean is the same in page, terminal and messages. */
export const alertSymbols: Readonly<Record<AlertSeverity | "resolved", { symbol: string; word: string }>> = {
  info: { symbol: "ℹ️", word: "INFO" },
  warning: { symbol: "⚠️", word: "WARNING" },
  critical: { symbol: "🚨", word: "CRITICAL" },
  resolved: { symbol: "🟢", word: "RESOLVED" },
};

/** `High Memory Usage (85% > 80%)`: value and threshold are always there. */
export function alertMessage(rule: AlertRule, level: AlertLevel, reading: Reading): string {
  return `${rule.title} (${reading.words ?? comparison(rule, level, reading.value)})`;
}

function comparison(rule: AlertRule, level: AlertLevel, value: number): string {
  const sign = { above: ">", reaches: "≥", below: "<" }[level.side ?? rule.side];
  return `${amount(value, rule.unit)} ${sign} ${amount(level.at, rule.unit)}`;
}

/** A value for people, in the unit of its rule. */
export function amount(value: number, unit: AlertUnit): string {
  switch (unit) {
    case "share":
      return `${tidy(value * 100, value < 0.1 ? 1 : 0)}%`;
    case "ms":
      return value >= 10_000 ? `${tidy(value / 1000, 1)}s` : `${Math.round(value)}ms`;
    case "seconds":
      return `${tidy(value, 1)}s`;
    case "minutes":
      return `${Math.floor(value)} min`;
    case "hours":
      return `${tidy(value, value < 10 ? 1 : 0)} h`;
    case "days":
      return value < 1 ? `${tidy(value * 24, 0)} h` : `${tidy(value, value < 10 ? 1 : 0)} days`;
    case "bytes":
      return bytes(value);
    case "count":
      return tidy(value, 2);
  }
}

function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let [rest, index] = [value, 0];
  while (Math.abs(rest) >= 1024 && index < units.length - 1) {
    rest /= 1024;
    index += 1;
  }
  return `${tidy(rest, 1)} ${units[index]}`;
}

function tidy(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
