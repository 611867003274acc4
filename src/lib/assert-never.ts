/** Makes a forgotten union member a compile error, and a loud failure if bad data gets past the types. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
