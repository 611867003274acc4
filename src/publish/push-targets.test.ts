import { describe, expect, it } from "vitest";
import type { ComposeModel, ComposeService } from "../stack/compose-model.ts";
import { pushTargets } from "./push-targets.ts";

const build = { context: "." };

function targets(services: Record<string, ComposeService>, registry?: string) {
  const empty = { networks: {}, volumes: {}, secrets: {}, configs: {} };
  const model: ComposeModel = {
    name: "Shop",
    services,
    ...empty,
    ...(registry === undefined ? {} : { "x-roadstead": { registry } }),
  };
  return pushTargets(model, "production");
}

const asked = (image: unknown): ComposeService => ({ build, "x-roadstead": { image } }) as ComposeService;

describe("where built images go (R-052, R-060)", () => {
  it("nowhere, unless the stack file says so", () => {
    expect(targets({ web: { build, image: "ghcr.io/acme/web:1.0.0" } as ComposeService })).toEqual([]);
  });

  it("to the repository of `image`, under its tag", () => {
    const web = { ...asked({ push: true, tags: ["latest"] }), image: "ghcr.io/acme/web:1.0.0" };
    expect(targets({ web })).toEqual([
      { service: "web", repository: "ghcr.io/acme/web", versions: ["1.0.0"], aliases: ["latest"] },
    ]);
  });

  it("without a written tag, under none but the build's own", () => {
    const web = { ...asked({ push: true }), image: "localhost:5500/acme/web" };
    expect(targets({ web })).toEqual([
      { service: "web", repository: "localhost:5500/acme/web", versions: [], aliases: [] },
    ]);
  });

  it("to a repository of its own, where the tag of another one counts for nothing", () => {
    const web = { ...asked({ push: "ghcr.io/acme/site" }), image: "web:1.0.0" };
    expect(targets({ web })).toEqual([
      { service: "web", repository: "ghcr.io/acme/site", versions: [], aliases: [] },
    ]);
  });

  it("to the stack's registry, save for services that say no or aren't built", () => {
    const services = {
      web: { build } as ComposeService,
      api_v2: { build, image: "git.acme.test/team/api:main" } as ComposeService,
      worker: asked({ push: false }),
      db: { image: "postgres:17" } as ComposeService,
    };
    expect(targets(services, "git.acme.test/team")).toEqual([
      { service: "web", repository: "git.acme.test/team/shop/web", versions: [], aliases: [] },
      { service: "api_v2", repository: "git.acme.test/team/api", versions: [], aliases: ["main"] },
    ]);
  });
});
