const signatures: readonly { type: string; ending: string; at: number; bytes: readonly number[] }[] = [
  { type: "image/png", ending: "png", at: 0, bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { type: "image/jpeg", ending: "jpg", at: 0, bytes: [0xff, 0xd8, 0xff] },
  { type: "image/gif", ending: "gif", at: 0, bytes: [0x47, 0x49, 0x46, 0x38] },
  { type: "image/webp", ending: "webp", at: 8, bytes: [0x57, 0x45, 0x42, 0x50] },
  { type: "application/pdf", ending: "pdf", at: 0, bytes: [0x25, 0x50, 0x44, 0x46, 0x2d] },
];

/** Bytes that decide what a file is; a name or a header is only a claim. */
export const sniffLength = 16;

export function sniffType(head: Uint8Array): { type: string; ending: string } | undefined {
  const found = signatures.find(({ at, bytes }) => bytes.every((byte, index) => head[at + index] === byte));
  return found && { type: found.type, ending: found.ending };
}
