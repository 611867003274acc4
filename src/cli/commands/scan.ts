import type { ScanView } from "../../api/contract/gates.ts";
import { formatBytes } from "../../lib/bytes.ts";
import { paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Style } from "../render/style.ts";
import { ago } from "../render/time.ts";
import { answer } from "../terminal.ts";

export const scanCommand: CommandSpec = {
  name: "scan",
  summary: "Show what the last scan of a stack's repository and images found",
  description:
    "Each run scans before anything of it is deployed: secrets in the commit and in every image layer, known vulnerabilities where the host has trivy, build tools and sizes. Exceptions are lines of `.roadstead-allow` with a last day and a reason. Exit code 1 when something stops a run.",
  arguments: [{ name: "[stack]", description: "stack (default: the only source)" }],
  options: [stackOption],
  examples: [{ command: "roadstead scan shop", meaning: "findings with file and line" }],
  json: "document",
  exits: [1, 3],
  run: scan,
};

async function scan(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const { context, settings, words, options } = invocation;
  // A commit that was stopped has no stack yet, but it has a source.
  const named = words[0] ?? options.text("stack");
  const { sources } = named === undefined ? await client.delivery.sources({}) : { sources: [] };
  const stack = named ?? (sources.length === 1 ? sources[0]?.name : undefined);
  if (stack === undefined)
    throw usageError(
      "which stack?",
      `Name one: ${sources.map(({ name }) => name).join(", ") || "none is known"}.`,
    );
  const params = paramsOf({ stack, environment: settings.environment });
  const found = await client.gates.scan({ params, signal: context.signal });
  answer(invocation, found, (style) => render(found, context.now(), style));
  return found.findings.some(({ verdict }) => verdict === "blocked") ? 1 : 0;
}

function render(scan: ScanView, now: number, style: Style): string {
  const lines = scan.findings.map(({ verdict, text, note }) => {
    const why = note === undefined ? "" : ` (${note})`;
    if (verdict === "blocked") return style.bad(`✗ ${text}${why}`);
    return verdict === "waived" ? style.dim(`○ ${text}${why}`) : style.warn(`! ${text}${why}`);
  });
  const images = scan.images.map(({ service, bytes }) => `${service} ${formatBytes(bytes)}`);
  return `${[
    style.dim(`${scan.commit.slice(0, 7)} in ${scan.run}, ${ago(scan.at, now)}`),
    ...(images.length === 0 ? [] : [`images: ${images.join(", ")}`]),
    ...(lines.length === 0 ? ["Nothing was found."] : lines),
    ...scan.notes.map((note) => style.warn(`• ${note}`)),
  ].join("\n")}\n`;
}
