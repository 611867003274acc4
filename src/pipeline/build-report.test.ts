import { describe, expect, it } from "vitest";
import { BuildLines } from "./build-report.ts";

function report(text: string) {
  const lines = new BuildLines();
  for (const line of text.split("\n")) lines.add(line);
  return lines.report();
}

describe("what the builder's output says about its steps", () => {
  it("tells what came from the cache and how long the rest took (R-046)", () => {
    const found = report(`#0 building with "default" instance using docker driver
#2 [internal] load metadata for docker.io/library/node:24-alpine
#2 DONE 0.4s
#4 [deps 1/3] FROM docker.io/library/node:24-alpine
#4 CACHED
#5 [deps 2/3] COPY package.json ./
#5 CACHED
#6 [deps 3/3] RUN npm ci
#6 0.312 npm warn
#6 DONE 12.3s
#7 [runner  2/2] COPY --from=deps /app .
#7 DONE 0.1s
#8 exporting to image
#8 DONE 0.0s`);
    expect(found).toEqual({
      steps: [
        { name: "deps 1/3 FROM docker.io/library/node:24-alpine", cached: true },
        { name: "deps 2/3 COPY package.json ./", cached: true },
        { name: "deps 3/3 RUN npm ci", cached: false, seconds: 12.3 },
        { name: "runner 2/2 COPY --from=deps /app .", cached: false, seconds: 0.1 },
      ],
      cached: 2,
    });
  });

  it("reads the stages of a file with one stage only", () => {
    expect(report("#5 [2/2] RUN echo hello\n#5 CACHED").steps).toEqual([
      { name: "2/2 RUN echo hello", cached: true },
    ]);
  });

  it("finds nothing in the output of anything else", () => {
    expect(report("Step 1/2 : FROM busybox\n ---> Using cache\n#x")).toEqual({ steps: [], cached: 0 });
  });
});
