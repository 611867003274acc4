import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeVariables } from "../delivery/variables.ts";
import { systemClock } from "../lib/clock.ts";
import { FileLogStore } from "../logs/drivers/files.ts";
import { until } from "../logs/logs-support.ts";
import { MemoryOwnSecrets } from "../secrets/drivers/memory.ts";
import { loadStack } from "../stack/load-stack.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import { aRelease } from "../store/store-support.ts";
import { defaultAccess } from "./access-sampler.ts";
import { LogCollector } from "./collector.ts";
import { PrintingHost, scope } from "./collector-support.ts";
import { defaultLimits } from "./line-budget.ts";

const values = { set: "k3y/of+the session?", written: "pa55word-in-the-compose-text" };

function formsOf(value: string): string[] {
  const header = Buffer.from(`user:${value}`).toString("base64");
  return [
    value,
    encodeURIComponent(value),
    Buffer.from(value).toString("base64"),
    header,
    JSON.stringify(value),
  ];
}

function variablesWithSecrets() {
  const store = createMemoryStore();
  const variables = makeVariables({
    ...{ store, clock: systemClock },
    secrets: { own: new MemoryOwnSecrets(), providers: () => [] },
    load: (bundle, environment, options) =>
      loadStack({
        ...{ ...bundle, environment: bundle.variables, environmentName: environment },
        ...{ accepted: options?.accepted ?? false, readText: (path) => bundle.texts[path] },
      }),
  });
  const change = { name: "SESSION_KEY", kind: "secret", value: values.set } as const;
  variables.book.change(scope, [change], { name: "ada", reason: "" }, "env.change");
  const text = `name: shop\nservices:\n  api:\n    image: api\n    environment:\n      DB_PASSWORD: ${values.written}\n`;
  const bundle = {
    ...{ composeFiles: ["/srv/compose.yaml"], projectDirectory: "/srv", profiles: [], variables: {} },
    texts: { "/srv/compose.yaml": text },
  };
  store.releases.create(aRelease("rel_1", { scope, bundle }));
  return variables;
}

it("a secret that a service prints, in any of its forms, is in no file of the log store (R-107)", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roadstead-secret-"));
  const { masks } = variablesWithSecrets();
  const logs = new FileLogStore({ folder });
  const host = new PrintingHost();
  const collector = new LogCollector({
    ...{
      runtime: host,
      logs,
      clock: systemClock,
      limits: defaultLimits,
      access: defaultAccess,
      log: () => undefined,
    },
    mask: (of, text) => masks.mask(of, text),
    expect: (of, release) => masks.rememberRelease(of, release),
  });
  try {
    collector.start();
    const id = host.start("api", "rel_1");
    const forms = Object.values(values).flatMap(formsOf);
    const lines = forms.flatMap((form) => [
      form,
      `GET /x?token=${form}&a=1`,
      `{"level":50,"requestId":"${form}"}`,
    ]);
    for (const [at, text] of lines.entries()) host.print(id, { stream: "stderr", at: Date.now() + at, text });
    host.print(id, { stream: "stdout", at: Date.now(), text: "the end" });
    const seen = async () => (await logs.search({ limit: 5000 }, AbortSignal.timeout(1000))).lines.length;
    let count = 0;
    await until(() => {
      void seen().then((found) => {
        count = found;
      });
      return count === lines.length + 1;
    });
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const kept = files.map((file) => readFileSync(join(file.parentPath, file.name), "utf8")).join("");
    expect(kept).toContain("the end");
    expect(kept).toContain("***");
    for (const value of Object.values(values))
      for (const form of [
        value,
        encodeURIComponent(value),
        Buffer.from(value).toString("base64").slice(0, -4),
      ])
        expect(kept).not.toContain(form);
  } finally {
    await collector.stop();
    await logs.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
