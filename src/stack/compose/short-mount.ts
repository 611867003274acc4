import { cleanPath } from "../../lib/posix-path.ts";

/** A `volumes` entry in the short form, taken apart. */
export type ShortMount = {
  type: "volume" | "bind";
  source?: string;
  target: string;
  readOnly: boolean;
  noCopy: boolean;
  propagation?: string;
  selinux?: string;
};

const propagations = ["rprivate", "private", "rshared", "shared", "rslave", "slave"];

/** `[SOURCE:]TARGET[:OPTIONS]`; a source that starts with `.`, `/`, `~` or a drive letter is a path, else a volume. */
export function parseShortMount(spec: string): ShortMount | { problem: string } {
  if (spec === "") return { problem: "a volume entry cannot be empty" };
  if (spec.length <= 2) return { type: "volume", target: spec, readOnly: false, noCopy: false };
  const parts = splitColons(spec);
  if (parts.includes("")) return { problem: `\`${spec}\` has an empty part between its colons` };
  if (parts.length > 3) return { problem: `\`${spec}\` has too many colons; expected SOURCE:TARGET:OPTIONS` };
  const [first = "", target, options = ""] = parts;
  if (target === undefined)
    return { type: "volume", target: cleanPath(first), readOnly: false, noCopy: false };
  const chosen = options.split(",");
  const access = chosen.filter((option) => option === "ro" || option === "rw").at(-1);
  const propagation = chosen.filter((option) => propagations.includes(option)).at(-1);
  const selinux = chosen.filter((option) => option === "z" || option === "Z").at(-1);
  return {
    type: isPath(first) ? "bind" : "volume",
    source: first,
    target: cleanPath(target),
    readOnly: access === "ro",
    noCopy: chosen.includes("nocopy"),
    ...(propagation === undefined ? {} : { propagation }),
    ...(selinux === undefined ? {} : { selinux }),
  };
}

/** A single letter before a colon is a Windows drive, not a part. */
function splitColons(spec: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (const character of spec) {
    if (character === ":" && !/^[a-zA-Z]$/.test(part)) {
      parts.push(part);
      part = "";
    } else {
      part += character;
    }
  }
  return [...parts, part];
}

function isPath(source: string): boolean {
  return /^[./~]/.test(source) || source.startsWith("\\\\") || /^[a-zA-Z]:/.test(source);
}
