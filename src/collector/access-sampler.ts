/** Which requests are worth a line. Errors always are, within the limits of any source. */
export type AccessLimits = {
  /** Slower ones are kept. */
  slowMs: number;
  /** All of a service's, up to so many a second; */
  perSecond: number;
  /** beyond that one of so many. */
  oneOf: number;
};

export const defaultAccess: AccessLimits = { slowMs: 1000, perSecond: 20, oneOf: 50 };

/** Answers for how many requests the line of this one stands; 0: it is not kept. */
export class AccessSampler {
  readonly #limits: AccessLimits;
  readonly #services = new Map<string, { second: number; seen: number }>();

  constructor(limits: AccessLimits) {
    this.#limits = limits;
  }

  weigh(service: string, request: { at: number; status: number; ms: number }): number {
    const { slowMs, perSecond, oneOf } = this.#limits;
    const second = Math.floor(request.at / 1000);
    const known = this.#services.get(service) ?? { second, seen: 0 };
    this.#services.set(service, known);
    if (known.second !== second) Object.assign(known, { second, seen: 0 });
    if (request.status >= 500 || request.ms >= slowMs) return 1;
    known.seen += 1;
    if (known.seen <= perSecond) return 1;
    return (known.seen - Math.ceil(perSecond)) % oneOf === 0 ? oneOf : 0;
  }
}
