export const intent = {
  guilds: 1 << 0,
  guildMembers: 1 << 1,
  guildMessages: 1 << 9,
  guildMessageReactions: 1 << 10,
  directMessages: 1 << 12,
  messageContent: 1 << 15,
} as const;

// Bits 0 to 16, 20, 21, 24 and 25 are the ones that Discord has given a meaning.
const known = 0b11_0011_0001_1111_1111_1111_1111;

export function intentsAreValid(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && (Number(value) & ~known) === 0;
}
