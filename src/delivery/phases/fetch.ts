import type { Phase } from "../phase.ts";
import { shortCommit } from "../run.ts";

/** A clean tree of the commit: what is not committed is not there. */
export const fetchPhase: Phase = {
  name: "fetch",
  async run({ run, say, folder, gathered }) {
    await folder();
    say(`${run.ref} at ${shortCommit(run.commit)}: ${run.subject}`);
    const { stack, problems } = await gathered();
    for (const problem of problems) say(`warning: ${problem.path}: ${problem.message}`);
    const services = stack.services.map((service) => service.name).join(", ");
    return { kind: "done", detail: `${run.scope.stack} with ${services}` };
  },
};
