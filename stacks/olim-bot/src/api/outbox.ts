/** The only way in which commands, events and tasks write to Discord. */
export type Outbox = {
  /** Resolves once Discord has accepted the message; with a nonce Discord takes the same message only once. */
  send(channelId: string, text: string, nonce?: string): Promise<void>;
};
