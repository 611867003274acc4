import { describe, expect, it } from "vitest";
import { baseImages } from "./base-images.ts";

describe("base images of a Dockerfile", () => {
  it("names what it starts from and copies from, not its own stages", () => {
    const text = [
      "ARG NODE=24",
      "FROM --platform=linux/amd64 node:$NODE-alpine AS Build",
      "RUN --mount=type=bind,from=busybox:1,target=/b npm ci",
      "FROM scratch",
      "COPY --from=build /app /app",
      "COPY --from=0 /app /again",
      "COPY --from=nginx:alpine /etc/nginx /etc/nginx",
    ].join("\n");
    expect(baseImages(text, {})).toEqual(["busybox:1", "nginx:alpine", "node:24-alpine"]);
    expect(baseImages(text, { NODE: "22" })).toContain("node:22-alpine");
  });

  it("uses the default of a variable", () => {
    expect(baseImages("FROM $" + "{BASE:-alpine:3}", {})).toEqual(["alpine:3"]);
  });

  it("says nothing where a name is known to the builder alone", () => {
    expect(baseImages("FROM $" + "{BASE}", {})).toBeUndefined();
    expect(baseImages("FROM alpine:$" + "{TARGETARCH}", {})).toBeUndefined();
  });
});
