import type { Request } from "express";
import type { Claims } from "./mana-token.js";
import type { Timings } from "./timings.js";

/** What the middleware and the guard add to a request. */
export type ManaRequest = Request & { requestId: string; timings: Timings; claims: Claims };
