import { compareEnvironments, comparePending, viewEnvironment } from "../../delivery/environment-view.ts";
import { affectedServices, rotateSecret } from "../../delivery/rotate-secret.ts";
import { looksSecret } from "../../delivery/variable-book.ts";
import { messageOf, PlatformError } from "../../lib/platform-error.ts";
import type { Scope } from "../../rollout/ids.ts";
import type { SecretProvider } from "../../secrets/port.ts";
import { audited } from "../audited.ts";
import { environmentEndpoints } from "../contract/environment.ts";
import { apiError } from "../errors.ts";
import type { ApiParts } from "../parts.ts";
import type { Router } from "../route.ts";
import { steer } from "../steer.ts";

const providerLimitMs = 15_000;

export function environmentRoutes(router: Router): void {
  const { parts } = router;
  const { store, variables, engine } = parts;
  const { book, secrets, load } = variables;
  const viewParts = { store, book, own: secrets.own };
  const rotationParts = { ...viewParts, engine, load };

  router.answer(environmentEndpoints.list, ({ params }) => ({
    variables: viewEnvironment(viewParts, scopeOf(params)),
  }));

  router.answer(environmentEndpoints.change, ({ params, body, actor }) => {
    const bare = body.changes.filter(
      (change) => change.kind === "plain" && !change.evenIfSecret && looksSecret(change.name, change.value),
    );
    if (bare.length > 0) throw looksLikeSecrets(bare.map(({ name }) => name));
    const scope = scopeOf(params);
    const isSecret = body.changes.some(({ kind }) => kind === "secret" || kind === "reference");
    book.change(scope, body.changes, actor(body.reason), isSecret ? "secrets.change" : "env.change");
    return { variables: viewEnvironment(viewParts, scope) };
  });

  router.answer(environmentEndpoints.compare, ({ params, query, demand }) => {
    const scope = scopeOf(params);
    const other = query.with === undefined ? undefined : { ...scope, environment: query.with };
    if (other) demand(other);
    const differences = other
      ? compareEnvironments(viewParts, scope, other)
      : comparePending(viewParts, scope);
    return { differences };
  });

  router.answer(environmentEndpoints.affected, ({ params }) => ({
    services: affectedServices(rotationParts, scopeOf(params), params.name),
  }));

  router.answer(environmentEndpoints.rotate, async ({ params, body, actor }) => {
    const scope = scopeOf(params);
    const value = body.value ?? (await readAnew(parts, scope, params.name));
    variables.masks.remember(scope, { [params.name]: value });
    const by = actor(body.reason);
    const { keepPreviousAs } = body;
    const kept = keepPreviousAs === undefined ? {} : { keepPreviousAs };
    const rotation = { scope, name: params.name, value, ...kept };
    return steer(parts, { by, action: "rotate", scope }, () => rotateSecret(rotationParts, rotation, by));
  });

  router.answer(environmentEndpoints.providers, async () => ({
    providers: [
      { name: "builtin", ok: true, message: "encrypted in the control plane's store" },
      ...(await Promise.all(secrets.providers().map(looked))),
    ],
  }));

  router.answer(environmentEndpoints.rotateKey, ({ body, actor }) => {
    const { rotateKey } = parts;
    if (!rotateKey) throw apiError("API_NOT_FOUND", "this control plane's store has no key");
    // Written down after the swap, under the new key: the audit entry must not hang on a rotation that failed.
    const values = rotateKey();
    const by = actor(body.reason);
    return audited(parts, { by, action: "secrets.rotate-key", target: "store" }, (detail) => {
      detail({ values });
      return { values };
    });
  });
}

async function readAnew({ variables }: ApiParts, scope: Scope, name: string): Promise<string> {
  if (variables.book.get(scope, name)?.kind !== "reference")
    throw apiError("API_INPUT_INVALID", `body.value: ${name} is no reference, so it needs a new value`);
  const values = await variables.environment.values(scope, AbortSignal.timeout(providerLimitMs));
  return values[name] ?? "";
}

async function looked(provider: SecretProvider): Promise<{ name: string; ok: boolean; message: string }> {
  try {
    await provider.check(AbortSignal.timeout(providerLimitMs));
    return { name: provider.name, ok: true, message: "answers" };
  } catch (error) {
    return { name: provider.name, ok: false, message: messageOf(error) };
  }
}

function looksLikeSecrets(names: readonly string[]): PlatformError {
  return new PlatformError(
    "VARIABLE_LOOKS_SECRET",
    `${names.join(", ")} ${names.length === 1 ? "looks like a secret" : "look like secrets"}; plain variables are shown and kept in the audit trail`,
    { hint: "Use `roadstead secrets set NAME`, or --plain if it is really none." },
  );
}

function scopeOf({ stack, environment }: Scope): Scope {
  return { stack, environment };
}
