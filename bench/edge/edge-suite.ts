import { median } from "../median.ts";
import { exactly, number, type Suite, type Table } from "../report.ts";
import { type EdgeResult, edgeBench } from "./edge-bench.ts";

const base = "HAProxy alone";

/** Ratios are taken within each round, against what ran a few seconds before or after, and only then the median. */
export const edgeSuite: Suite = {
  title: "Edge: request rate and latency",
  run: async ({ quick, say }) => {
    const size = quick ? { rounds: 3, seconds: 1 } : { rounds: 11, seconds: 1 };
    const run = await edgeBench({ ...size, say });
    return {
      tables: run.results.map(edgeTable),
      notes: [
        `${size.rounds} interleaved rounds of ${size.seconds} s; medians. Ratio: requests a second against HAProxy alone in the same round. p99 is under full load: each of 64 connections asks again at once.`,
        "Load program, proxy and upstream (nginx, one worker) share the cores, as they would on a small server.",
        ...run.details,
      ],
      missing: run.missing,
      programs: ["wrk", ...new Set(run.programs)],
    };
  },
};

function edgeTable({ case: one, readings }: EdgeResult): Table {
  const reference = readings.get(base) ?? [];
  const rows = [...readings].map(([arm, all]) => {
    const ratios = all.map(({ rate }, round) => rate / (reference[round]?.rate ?? Number.NaN));
    return [
      arm,
      number(median(ratios)),
      `${number(Math.min(...ratios))}–${number(Math.max(...ratios))}`,
      number(median(all.map(({ rate }) => rate))),
      number(median(all.map(({ p99Ms }) => p99Ms))),
      exactly(all.reduce((sum, { errors }) => sum + errors, 0)),
    ];
  });
  const header = ["Arm", "Ratio", "Range of rounds", "Requests/s", "p99 ms", "Errors"];
  return { caption: `**${one.name}**`, header, rows };
}
