/** Injection token of the Redis client. */
export const REDIS = Symbol("redis");
