import { describe, expect, it } from "vitest";
import { readDockerfile } from "./dockerfile.ts";

const read = (text: string, target?: string, args: Record<string, string> = {}) =>
  readDockerfile(text, target, args);

describe("a Dockerfile as a recipe for a process", () => {
  it("gives environment, folder, ports and command", () => {
    const recipe = read(`FROM node:24-alpine
WORKDIR /app
COPY package*.json ./
RUN npm ci --omit=dev
COPY . .
ENV NODE_ENV=production GREETING="hello world"
EXPOSE 3000 9229/tcp 53/udp
USER node
STOPSIGNAL SIGINT
CMD ["node", "src/api.js"]`);
    expect(recipe).toEqual({
      environment: { NODE_ENV: "production", GREETING: "hello world" },
      entrypoint: [],
      command: ["node", "src/api.js"],
      root: "/app",
      workingDir: "/app",
      exposedPorts: [3000, 9229],
      runsBuild: false,
      productionOnly: true,
      base: "node:24-alpine",
      stopSignal: "SIGINT",
      notes: ["USER node is not applied: the process runs as the control plane's user"],
    });
  });

  it("runs the shell form by a shell and the JSON form without one", () => {
    expect(read("FROM node\nCMD node a.js && true")?.command).toEqual(["/bin/sh", "-c", "node a.js && true"]);
    expect(read('FROM node\nENTRYPOINT ["node", "--enable-source-maps"]\nCMD ["a.js"]')).toMatchObject({
      entrypoint: ["node", "--enable-source-maps"],
      command: ["a.js"],
    });
  });

  it("keeps the spaces inside the words of the JSON form", () => {
    expect(read('FROM node\nCMD [ "node", "-e", "console.log(1, 2)" ]')?.command).toEqual([
      "node",
      "-e",
      "console.log(1, 2)",
    ]);
  });

  it("takes the last stage, and what it inherits from a stage above", () => {
    const text = `FROM node:24 AS base
WORKDIR /srv
ENV A=1
CMD ["node", "base.js"]
FROM base AS build
COPY . .
RUN npm run build
FROM base
ENV B=\${A}2
COPY --from=build /srv/dist ./dist
CMD ["node", "dist/main.js"]`;
    expect(read(text)).toMatchObject({
      environment: { A: "1", B: "12" },
      root: "/srv",
      command: ["node", "dist/main.js"],
      runsBuild: true,
      base: "node:24",
    });
    expect(read(text, "base")).toMatchObject({ command: ["node", "base.js"] });
    expect(read(text, "BUILD")).toMatchObject({ command: ["node", "base.js"] });
    expect(read(text, "nothing")).toBeUndefined();
  });

  it("fills in build arguments and their defaults", () => {
    const text = `ARG VERSION=24
FROM node:\${VERSION}-alpine
ARG VERSION
ARG COLOUR=red
ENV V=$VERSION C=\${COLOUR} D=\${NONE:-none} E=\${COLOUR:+set}`;
    expect(read(text)).toMatchObject({
      base: "node:24-alpine",
      environment: { V: "24", C: "red", D: "none", E: "set" },
    });
    expect(read(text, undefined, { VERSION: "22", COLOUR: "blue" })).toMatchObject({
      base: "node:22-alpine",
      environment: { V: "22", C: "blue" },
    });
  });

  it("tells the folder of the files from the folder of the program", () => {
    const recipe = read('FROM node\nWORKDIR /app\nCOPY . .\nWORKDIR api/../server\nCMD ["node", "x.js"]');
    expect(recipe).toMatchObject({ root: "/app", workingDir: "/app/server" });
  });
});
