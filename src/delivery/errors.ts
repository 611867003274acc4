import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  DELIVERY_RUN_UNKNOWN: "`roadstead pipeline` lists the runs.",
  DELIVERY_RUN_OVER: "The run has ended; push again or start it anew.",
  DELIVERY_NOT_WAITING: "`roadstead pipeline` shows what each run waits for.",
  DELIVERY_NO_COMPOSE_FILE: "Commit a compose.yaml at the root of the repository.",
  DELIVERY_STACK_INVALID: "Mend what is named above, commit and push again.",
  DELIVERY_JOB_FAILED: "The job's last lines are above; mend it, commit and push again.",
  DELIVERY_DEPLOYMENT_FAILED: "What served before still serves; the reason is above.",
  DELIVERY_ABORTED: "Push again when you are ready.",
  DELIVERY_SCAN_BLOCKED:
    "Take it out of the commit and revoke what was secret; what is meant so goes into .roadstead-allow with a last day. A migration goes in two steps: first what the serving release survives, the rest in a later release.",
  DELIVERY_SCANNER_MISSING:
    "Install trivy on this host, or take `required` out of x-roadstead.pipeline.scan.",
  DELIVERY_APPROVAL_REFUSED: "`roadstead pipeline show` says who may decide.",
  DELIVERY_GATED:
    "Push the commit: a run passes the gates and waits where it has to. In an emergency: roadstead deploy --override WHY.",
  DELIVERY_NOT_FROZEN: "`roadstead pipeline` shows what each run waits for.",
  DELIVERY_STAGE_FAILED: "Nothing of production was touched; the reason is above.",
  DELIVERY_REJECTED: "Talk to the approver; a new commit asks again.",
} as const;

export type DeliveryErrorCode = keyof typeof hints;

/** A run that ends here, with what its last lines were. */
export class DeliveryError extends PlatformError {
  readonly lastLines: readonly string[];

  constructor(
    code: DeliveryErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown; lastLines?: readonly string[] } = {},
  ) {
    super(code, message, { hint: hints[code], ...options });
    this.lastLines = options.lastLines ?? [];
  }
}
