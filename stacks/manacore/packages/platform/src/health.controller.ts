import { Controller, Get, Header, Inject, ServiceUnavailableException } from "@nestjs/common";
import { renderMetrics } from "./metrics.js";

export const SERVICE_STATUS = Symbol("service status");

export type ServiceStatus = {
  service: string;
  version: string;
  /** Name of a dependency without which the service cannot work -> a check that rejects. */
  dependencies: Readonly<Record<string, () => Promise<unknown>>>;
};

@Controller()
export class HealthController {
  readonly #status: ServiceStatus;

  constructor(@Inject(SERVICE_STATUS) status: ServiceStatus) {
    this.#status = status;
  }

  /** Liveness: the process answers. */
  @Get("api/health")
  health(): object {
    const { service, version } = this.#status;
    return { status: "ok", service, version };
  }

  /** Readiness: what it depends on answers too. */
  @Get("api/ready")
  async ready(): Promise<object> {
    const { service, version, dependencies } = this.#status;
    const names = Object.keys(dependencies);
    const checks = await Promise.allSettled(Object.values(dependencies).map((check) => check()));
    const missing = names.filter((_, index) => checks[index]?.status === "rejected");
    if (missing.length > 0)
      throw new ServiceUnavailableException({
        error: "NOT_READY",
        message: `no answer from ${missing.join(", ")}`,
      });
    return { status: "ready", service, version };
  }

  /** For the network inside: the public routes begin with /api. */
  @Get("metrics")
  @Header("content-type", "text/plain; version=0.0.4")
  metrics(): string {
    return renderMetrics();
  }
}
