import { describe, expect, it } from "vitest";
import { readDockerfile } from "./dockerfile.ts";

const text = `# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM node:24-alpine AS base
EXPOSE 3000/tcp 53/udp
FROM base AS dev
CMD ["npm", "run", "dev"]
FROM base AS runner
EXPOSE 9229 \\
  # a comment inside
  $PORT
ENTRYPOINT ["/init"]
CMD node server.js
FROM nginx:alpine
expose 80
CMD ["nginx", "-g", "daemon off;"]
`;

describe("a Dockerfile", () => {
  it("is read at its last stage, or at the target with what that is built on", () => {
    expect(readDockerfile(text)).toEqual({
      exposedPorts: [80],
      programs: [{ instruction: "CMD", argv: ["nginx", "-g", "daemon off;"], line: 14 }],
    });
    expect(readDockerfile(text, "runner")).toEqual({
      exposedPorts: [3000, 9229],
      programs: [{ instruction: "ENTRYPOINT", argv: ["/init"], line: 10 }],
    });
    expect(readDockerfile(text, "dev").programs).toMatchObject([{ argv: ["npm", "run", "dev"], line: 5 }]);
  });

  it("gives nothing for text that is none", () => {
    for (const odd of ["", "hello", "FROM", "CMD [", "FROM a\nCMD [not json]\nEXPOSE 99999"]) {
      expect(readDockerfile(odd)).toEqual({ exposedPorts: [], programs: [] });
    }
  });
});
