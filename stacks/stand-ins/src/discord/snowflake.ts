const discordEpoch = 1_420_070_400_000n;
let last = 0n;

/** Ids that rise with time, as Discord's do: clients read the creation time out of them. */
export function newSnowflake(): string {
  const next = (BigInt(Date.now()) - discordEpoch) << 22n;
  last = next > last ? next : last + 1n;
  return String(last);
}
