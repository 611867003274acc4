import { messageOf } from "../../lib/platform-error.ts";
import { serverLossError } from "../../server-loss/errors.ts";
import { audited } from "../audited.ts";
import { recoverEndpoints } from "../contract/recover.ts";
import type { ApiParts } from "../parts.ts";
import type { Router } from "../route.ts";

function lossOf({ serverLoss }: ApiParts): NonNullable<ApiParts["serverLoss"]> {
  if (!serverLoss) throw serverLossError("RECOVER_NO_COPY", "this control plane keeps no copy of itself");
  return serverLoss;
}

export function recoverRoutes(router: Router): void {
  const { parts } = router;

  router.answer(recoverEndpoints.show, () => {
    const recovery = parts.serverLoss?.recovery.get();
    const fenced = parts.serverLoss?.fence.fenced;
    return { ...(recovery ? { recovery } : {}), ...(fenced ? { fenced } : {}) };
  });

  const readiness = async () => {
    const { states } = lossOf(parts);
    const { saving } = states;
    const missing = await states.missing(router.closing);
    if (!missing) throw serverLossError("RECOVER_NO_COPY", "no repository is set up: a lost server is lost");
    const { last } = states;
    return { missing, saving, ...(last ? { state: last } : {}) };
  };

  router.answer(recoverEndpoints.check, readiness);

  router.answer(recoverEndpoints.save, async ({ body, actor }) => {
    const { states } = lossOf(parts);
    audited(parts, { by: actor(body.reason), action: "recover.save", target: "platform" }, () => undefined);
    // How it went stands in the record.
    states.save().catch((error: unknown) => parts.log("warn", `recover save: ${messageOf(error)}`));
    return await readiness();
  });

  router.answer(recoverEndpoints.retry, ({ body, actor }) => {
    const by = actor(body.reason);
    return audited(parts, { by, action: "recover.retry", target: "platform" }, () =>
      lossOf(parts).recovery.retry(),
    );
  });
}
