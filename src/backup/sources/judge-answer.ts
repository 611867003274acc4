import type { CheckResult } from "../../policy/backup-verdict.ts";

/** The first value of the first row decides: good is true, a number above zero, or any other text. */
export function judgeAnswer(check: string, output: string): CheckResult {
  const value = (output.split("\n")[0]?.split(/[|\t]/)[0] ?? "").trim();
  const ok = !/^(|f|false|off|no|null|-?0+(\.0+)?|-\d[\d.]*)$/i.test(value);
  return { check, ok, detail: value === "" ? "answered nothing" : `answered ${value.slice(0, 100)}` };
}
