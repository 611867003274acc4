import { trackedEnvFiles } from "../../policy/public-variables.ts";
import { sourceError } from "../../source/errors.ts";
import { checkoutFiles } from "../checkout-files.ts";
import { fetchSource } from "../fetch-source.ts";
import type { Phase, RunWorld } from "../phase.ts";
import { shortCommit } from "../run.ts";

/** A clean tree of the commit: what is not committed is not there. */
export const fetchPhase: Phase = {
  name: "fetch",
  async run(world) {
    const { run, say, folder, gathered } = world;
    await bringHere(world);
    await folder();
    say(`${run.ref} at ${shortCommit(run.commit)}: ${run.subject}`);
    const { stack, problems } = await gathered();
    for (const problem of problems) say(`warning: ${problem.path}: ${problem.message}`);
    for (const path of trackedEnvFiles(checkoutFiles(await folder()).list()))
      say(`warning: ${path} is committed: what it holds is in every clone; see roadstead env import`);
    const services = stack.services.map((service) => service.name).join(", ");
    return { kind: "done", detail: `${run.scope.stack} with ${services}` };
  },
};

/** A forge only tells of its commit; it is fetched in its turn, so that the forge has its answer at once. */
async function bringHere({ parts, run, say, signal }: RunWorld): Promise<void> {
  const { sources } = parts;
  if ((await sources.resolve(run.source, run.commit, signal)) !== undefined) return;
  const ref = run.fetchRef ?? run.ref;
  const found = await fetchSource(parts, run.source, ref, signal);
  if (found !== undefined) say(`fetched ${ref}`);
  if (found !== run.commit && (await sources.resolve(run.source, run.commit, signal)) === undefined)
    throw sourceError("SOURCE_COMMIT_UNKNOWN", `${ref} no longer has ${run.commit.slice(0, 12)}`, {
      hint: "It was pushed over; the newer commit has a run of its own.",
    });
}
