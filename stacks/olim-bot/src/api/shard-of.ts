/** Discord's rule: which shard gets a guild's events. */
export function isOfShard(guildId: string, shard: { id: number; count: number } | undefined): boolean {
  return !shard || (BigInt(guildId) >> 22n) % BigInt(shard.count) === BigInt(shard.id);
}
