/** A place in a server's log, in bytes from its beginning. */
export type Lsn = bigint;

export function lsnOf(text: string): Lsn {
  const [high = "0", low = "0"] = text.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

export function textOfLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

/** Name of the log file that holds a place, as the server names it. */
export function logFileOf(lsn: Lsn, timeline: number, fileBytes: number): string {
  const file = lsn / BigInt(fileBytes);
  const perHigh = 0x1_0000_0000n / BigInt(fileBytes);
  const hex = (value: bigint) => value.toString(16).toUpperCase().padStart(8, "0");
  return `${hex(BigInt(timeline))}${hex(file / perHigh)}${hex(file % perHigh)}`;
}

/** Where a log file begins. */
export function startOfLogFile(name: string, fileBytes: number): Lsn {
  const perHigh = 0x1_0000_0000n / BigInt(fileBytes);
  const [high, low] = [BigInt(`0x${name.slice(8, 16)}`), BigInt(`0x${name.slice(16, 24)}`)];
  return (high * perHigh + low) * BigInt(fileBytes);
}
