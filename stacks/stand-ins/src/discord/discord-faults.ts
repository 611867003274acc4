import { isObject } from "../shared/call.ts";
import { Faults, isCount, isFlag } from "../shared/faults.ts";

export type RateLimitFault = { times: number; retryAfter: number; global?: boolean };
export type DiscordFaults = {
  ackHeartbeats: boolean;
  refuseGateway: boolean;
  invalidSession: number;
  rateLimit: RateLimitFault;
};

const isRateLimit = (value: unknown): boolean =>
  isObject(value) &&
  isCount(value["times"]) &&
  typeof value["retryAfter"] === "number" &&
  value["retryAfter"] >= 0 &&
  value["retryAfter"] <= 3_600;

export const discordFaults = () =>
  new Faults<DiscordFaults>({
    defaults: {
      ackHeartbeats: true,
      refuseGateway: false,
      invalidSession: 0,
      rateLimit: { times: 0, retryAfter: 0 },
    },
    checks: {
      ackHeartbeats: isFlag,
      refuseGateway: isFlag,
      invalidSession: isCount,
      rateLimit: isRateLimit,
    },
  });
