import { describe, expect, it } from "vitest";
import { ManualClock } from "../lib/manual-clock.ts";
import { PlatformError } from "../lib/platform-error.ts";
import type { ReleaseId } from "../rollout/ids.ts";
import { MemoryOwnSecrets, MemorySecrets } from "../secrets/drivers/memory.ts";
import { loadStack } from "../stack/load-stack.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import type { Bundle } from "../store/port.ts";
import { aRelease } from "../store/store-support.ts";
import { compareEnvironments, comparePending, viewEnvironment } from "./environment-view.ts";
import { affectedServices } from "./rotate-secret.ts";
import type { VariableChange } from "./variable-book.ts";
import { makeVariables } from "./variables.ts";

const scope = { stack: "shop", environment: "production" };
const by = { name: "ada", reason: "because" };
const signal = new AbortController().signal;

const compose = `
name: shop
services:
  web:
    image: web:1
    ports: ["\${PORT:-3000}:3000"]
    environment:
      SESSION_KEY: \${SESSION_KEY:?generate one}
      GREETING: \${GREETING-hello}
      FROM_FILE: \${FROM_FILE}
  mailer:
    image: mailer:1
    environment: [SMTP_USER]
    secrets: [signing-key]
secrets:
  signing-key: { external: true }
`;

function bundleOf(variables: Record<string, string> = {}, dotenv = ""): Bundle {
  return {
    projectDirectory: "/srv/shop",
    composeFiles: ["/srv/shop/compose.yaml"],
    texts: { "/srv/shop/compose.yaml": compose, ...(dotenv === "" ? {} : { "/srv/shop/.env": dotenv }) },
    variables,
    profiles: [],
  };
}

function world() {
  const store = createMemoryStore();
  const vault = new MemorySecrets("vault");
  const variables = makeVariables({
    store,
    clock: new ManualClock(),
    secrets: { own: new MemoryOwnSecrets(), providers: () => [vault] },
    load: (bundle, environment, options) =>
      loadStack({
        ...bundle,
        environment: bundle.variables,
        environmentName: environment,
        accepted: options?.accepted ?? false,
        readText: (path) => bundle.texts[path],
      }),
  });
  const parts = { store, book: variables.book, own: variables.secrets.own, load: variables.load };
  const set = (...changes: VariableChange[]) => variables.book.change(scope, changes, by, "env.change");
  const deployed = (bundle: Bundle) => {
    const release = store.releases.create({
      id: "rel-1" as ReleaseId,
      scope,
      createdAt: 0,
      label: "",
      bundle,
      configHash: "",
      images: {},
      fileVersions: {},
    });
    store.scopes.update(scope, (state) => ({ ...state, current: release.id }));
  };
  return { store, vault, variables, parts, set, deployed };
}

const plain = (name: string, value: string): VariableChange => ({ name, kind: "plain", value });
const secret = (name: string, value: string): VariableChange => ({ name, kind: "secret", value });
const reference = (name: string, to: string): VariableChange => ({ name, kind: "reference", reference: to });

describe("what a deploy interpolates with", () => {
  it("R-097: takes the shell before the environment, the environment before .env, and only what is used", async () => {
    const { variables, set } = world();
    set(plain("GREETING", "from environment"), plain("FROM_FILE", "environment"), plain("UNUSED", "x"));
    set(plain("PORT", "8000"), secret("SESSION_KEY", "k3y-of-the-session"));
    const sent = { bundle: bundleOf({ PORT: "9000" }, "FROM_FILE=file\nGREETING=file\n"), files: {} };
    const { bundle } = await variables.environment.supply(scope, sent, signal);
    expect(bundle.variables).toEqual({
      PORT: "9000",
      GREETING: "from environment",
      FROM_FILE: "environment",
      SESSION_KEY: "k3y-of-the-session",
    });
    const { stack } = variables.load(bundle, "production");
    expect(stack?.services[0]?.compose.environment).toMatchObject({ GREETING: "from environment" });
  });

  it("R-100: names every required variable that is missing at once, none that is set", async () => {
    const { variables } = world();
    const two = compose.replace("FROM_FILE}", "OTHER:?too}");
    const bundle = { ...bundleOf(), texts: { "/srv/shop/compose.yaml": two } };
    const before = variables
      .load(bundle, "production")
      .problems.filter(({ severity }) => severity === "error");
    expect(before.map(({ message }) => /`(\w+)`/.exec(message)?.[1])).toEqual(["SESSION_KEY", "OTHER"]);
    variables.book.change(scope, [secret("SESSION_KEY", "abcdef"), plain("OTHER", "1")], by, "env.change");
    const { bundle: supplied } = await variables.environment.supply(scope, { bundle, files: {} }, signal);
    expect(variables.load(supplied, "production").problems.filter((p) => p.severity === "error")).toEqual([]);
  });

  it("R-100: gives an external Compose secret its content", async () => {
    const { variables, set } = world();
    set(secret("signing-key", "-----BEGIN KEY-----\nabc\n"), secret("SESSION_KEY", "abcdef"));
    const { files } = await variables.environment.supply(scope, { bundle: bundleOf(), files: {} }, signal);
    expect(Buffer.from(files["signing-key"] ?? []).toString()).toBe("-----BEGIN KEY-----\nabc\n");
  });

  it("R-102: reads a reference from its provider at each deploy, and refuses by name when it is down", async () => {
    const { variables, vault, set } = world();
    set(reference("SESSION_KEY", "vault:kv/shop#key"), reference("SMTP_PASSWORD", "vault:kv/shop#smtp"));
    vault.values.set("kv/shop#key", "first");
    vault.values.set("kv/shop#smtp", "mail");
    expect((await variables.environment.values(scope, signal))["SESSION_KEY"]).toBe("first");
    vault.values.set("kv/shop#key", "second");
    expect((await variables.environment.values(scope, signal))["SESSION_KEY"]).toBe("second");
    vault.isDown = true;
    await expect(variables.environment.values(scope, signal)).rejects.toMatchObject({
      code: "SECRETS_UNAVAILABLE",
      message: "SESSION_KEY: vault does not answer; SMTP_PASSWORD: vault does not answer",
    });
  });

  it("R-102: refuses a provider that nobody has configured", async () => {
    const { variables, set } = world();
    set(reference("SESSION_KEY", "command:key"));
    await expect(variables.environment.values(scope, signal)).rejects.toMatchObject({
      code: "SECRETS_NOT_CONFIGURED",
    });
    expect(() => set(reference("SESSION_KEY", "nonsense"))).toThrow(/reference/);
  });
});

describe("the audit trail of variables", () => {
  it("R-107: has values of plain variables, versions of secrets, and nothing for a change that is none", () => {
    const { store, set } = world();
    set(plain("GREETING", "one"), secret("SESSION_KEY", "hunter2-hunter2"));
    set(plain("GREETING", "two"));
    set(plain("GREETING", "two"), secret("SESSION_KEY", "hunter2-hunter2"));
    set({ name: "SESSION_KEY", kind: "unset" });
    const entries = store.audit.list(10);
    expect(JSON.stringify(entries)).not.toContain("hunter2");
    expect(entries.map(({ detail }) => detail["changes"])).toEqual([
      [{ name: "SESSION_KEY", before: { version: "1" }, after: null }],
      [{ name: "GREETING", before: { value: "one" }, after: { value: "two" } }],
      [
        { name: "GREETING", before: null, after: { value: "one" } },
        { name: "SESSION_KEY", before: null, after: { version: "1" } },
      ],
    ]);
    expect(entries[0]).toMatchObject({ actor: "ada", target: "shop/production" });
  });
});

describe("masks", () => {
  it("R-107: hide what is set, what a provider gave, and what the running release has, in every line", async () => {
    const { variables, vault, set, deployed } = world();
    set(secret("SESSION_KEY", "k3y-of-the-session"), reference("SMTP_PASSWORD", "vault:kv/shop#smtp"));
    vault.values.set("kv/shop#smtp", "mail-password");
    await variables.environment.values(scope, signal);
    deployed(bundleOf({ API_TOKEN: "shell-token-0123456789", GREETING: "a plain greeting" }));
    set(secret("SESSION_KEY", "the-next-session-key"));
    const line = (text: string) => variables.masks.mask(scope, text);
    expect(line("a k3y-of-the-session b")).toBe("a *** b");
    expect(line("the-next-session-key mail-password shell-token-0123456789")).toBe("*** *** ***");
    expect(line(Buffer.from("the-next-session-key").toString("base64"))).toBe("***");
    expect(line("a plain greeting")).toBe("a plain greeting");
    const other = { ...scope, environment: "staging" };
    expect(variables.masks.mask(other, "the-next-session-key")).toBe("the-next-session-key");
  });

  it("R-107: hide what a release's services are given under a secret's name, before it is current", () => {
    const { store, variables } = world();
    const text =
      "name: shop\nservices:\n  web:\n    image: web\n    environment:\n      DB_PASSWORD: in-the-file-0123\n";
    const bundle = { ...bundleOf(), texts: { "/srv/shop/compose.yaml": text } };
    const { id } = store.releases.create(aRelease("rel-9", { scope, bundle }));
    expect(variables.masks.mask(scope, "it is in-the-file-0123")).toBe("it is in-the-file-0123");
    variables.masks.rememberRelease(scope, id);
    expect(variables.masks.mask(scope, "it is in-the-file-0123")).toBe("it is ***");
  });
});

describe("a value that was damaged in the store", () => {
  it("R-104: fails the deploy that needs it by name, and leaves logs and other masks alone", async () => {
    const { variables, parts, set } = world();
    set(secret("SESSION_KEY", "the-session-key"), secret("OTHER_KEY", "the-other-key"));
    const read = parts.own.read.bind(parts.own);
    parts.own.read = (of, name, version) => {
      if (name === "SESSION_KEY")
        throw new PlatformError("STORE_CORRUPT", "the encrypted value does not open");
      return read(of, name, version);
    };
    expect(variables.masks.mask(scope, "the-other-key")).toBe("***");
    await expect(variables.environment.values(scope, signal)).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: "SESSION_KEY: the encrypted value does not open",
    });
  });
});

describe("what is shown", () => {
  it("R-100, R-111: says of each variable whether it is set, by whom, and whether it runs; never a secret's value", () => {
    const { parts, set, deployed } = world();
    set(plain("GREETING", "hi"), secret("SESSION_KEY", "hunter2-hunter2"), plain("SPARE", "x"));
    deployed(bundleOf({ GREETING: "hello", SESSION_KEY: "hunter2-hunter2" }, "FROM_FILE=1\n"));
    const views = viewEnvironment(parts, scope);
    expect(JSON.stringify(views)).not.toContain("hunter2");
    expect(
      views.map(({ name, state, live, required, secret: is }) => [name, state, live, required, is]),
    ).toEqual([
      ["FROM_FILE", "file", "absent", false, false],
      ["GREETING", "set", "differs", false, false],
      ["PORT", "default", "absent", false, false],
      ["SESSION_KEY", "set", "same", true, true],
      ["SMTP_USER", "default", "absent", false, false],
      ["SPARE", "unused", "absent", false, false],
    ]);
    expect(views.find(({ name }) => name === "SMTP_USER")?.services).toEqual(["mailer"]);
  });

  it("R-111: compares two environments, and what runs with what is pending", () => {
    const { parts, variables, set, deployed } = world();
    const staging = { ...scope, environment: "staging" };
    set(plain("GREETING", "hi"), secret("SESSION_KEY", "hunter2-hunter2"), plain("PORT", "1"));
    const others = [
      plain("GREETING", "hi"),
      secret("SESSION_KEY", "different"),
      reference("X", "vault:a/b#c"),
    ];
    variables.book.change(staging, others, by, "env.change");
    expect(compareEnvironments(parts, scope, staging).map(({ name, change }) => [name, change])).toEqual([
      ["GREETING", "same"],
      ["PORT", "removed"],
      ["SESSION_KEY", "changed"],
      ["X", "added"],
    ]);
    deployed(bundleOf({ GREETING: "hello", SESSION_KEY: "hunter2-hunter2", FROM_FILE: "by the shell" }));
    expect(comparePending(parts, scope)).toEqual([
      { name: "FROM_FILE", from: { kind: "shell" }, change: "removed" },
      {
        name: "GREETING",
        from: { kind: "plain", value: "hello" },
        to: { kind: "plain", value: "hi" },
        change: "changed",
      },
      { name: "PORT", to: { kind: "plain", value: "1" }, change: "added" },
      { name: "SESSION_KEY", from: { kind: "secret" }, to: { kind: "secret" }, change: "same" },
    ]);
  });

  it("R-108: names the services that a new value would replace, also through a Compose secret", () => {
    const { parts, deployed } = world();
    deployed(bundleOf({ SESSION_KEY: "abcdef" }));
    const names = (name: string) => affectedServices(parts, scope, name).map((service) => service.name);
    expect(names("SESSION_KEY")).toEqual(["web"]);
    expect(names("signing-key")).toEqual(["mailer"]);
    expect(names("NOBODY")).toEqual([]);
  });
});
