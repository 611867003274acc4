import type { SizeFinding } from "./scan-findings.ts";

/** An image this much over its budget fails; less over only warns. */
const failFactor = 1.25;

/** What a budget says about an image's size; undefined: it keeps to it. */
export function judgeSize(image: string, bytes: number, maxBytes: number): SizeFinding | undefined {
  if (bytes <= maxBytes) return undefined;
  return { kind: "size", image, bytes, maxBytes, over: bytes > maxBytes * failFactor ? "fail" : "warn" };
}
