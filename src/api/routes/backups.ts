import { createHash } from "node:crypto";
import { scopeKey } from "../../rollout/ids.ts";
import { audited } from "../audited.ts";
import { type BackupRepositoryView, backupEndpoints } from "../contract/backups.ts";
import type { Router } from "../route.ts";

const openLimitMs = 50_000;

export function backupRoutes(router: Router): void {
  const { parts } = router;
  const { vault } = parts.backups;

  router.answer(backupEndpoints.plan, ({ params }) => vault.plan(params));

  router.answer(backupEndpoints.list, ({ params, query }) => ({
    backups:
      query.source === undefined
        ? vault.runs.ofScope(params, query.limit)
        : vault.runs.of(params, query.source, query.limit),
  }));

  router.answer(backupEndpoints.run, ({ params, body, actor }) => {
    const by = actor(body.reason);
    return audited(parts, { by, action: "backup.run", target: scopeKey(params) }, (detail) => {
      const backups = vault.request(params, body.sources, { requestedBy: by.name, reason: by.reason });
      detail({ backups: backups.map(({ id, source }) => `${source} ${id}`) });
      return { backups };
    });
  });

  router.answer(backupEndpoints.show, ({ params, demand }) => {
    const run = vault.find(params.id);
    demand(run.scope);
    return run;
  });

  router.answer(backupEndpoints.verify, ({ params, demand, actor }) => {
    demand(vault.find(params.id).scope);
    return audited(parts, { by: actor(), action: "backup.verify", target: params.id }, () =>
      vault.verifyAgain(params.id),
    );
  });

  router.answer(backupEndpoints.pin, ({ params, body, demand, actor }) => {
    demand(vault.find(params.id).scope);
    return audited(parts, { by: actor(), action: "backup.pin", target: params.id }, (detail) => {
      detail({ pinned: body.pinned ?? false });
      return vault.pin(params.id, body.pinned);
    });
  });

  router.stream(backupEndpoints.content, async ({ params, demand, actor }) => {
    const run = vault.find(params.id);
    demand(run.scope);
    // Whoever has the content has the data: it is written down like a change.
    audited(parts, { by: actor(), action: "backup.pull", target: params.id }, () => undefined);
    return async function* (signal) {
      const { content } = await vault.content(params.id, signal);
      const hash = createHash("sha256");
      let sizeBytes = 0;
      for await (const chunk of content) {
        hash.update(chunk);
        sizeBytes += chunk.byteLength;
        yield { item: { bytes: Buffer.from(chunk).toString("base64") } };
      }
      yield { item: { end: { sizeBytes, sha256: hash.digest("hex") } } };
    };
  });
  repositoryRoutes(router);
}

function repositoryRoutes(router: Router): void {
  const { parts } = router;
  const { repositories } = parts.backups;

  router.answer(backupEndpoints.repositories, () => ({ repositories: repositories.list().map(view) }));

  router.answer(backupEndpoints.addRepository, async ({ body, actor }) => {
    const signal = AbortSignal.any([router.closing, AbortSignal.timeout(openLimitMs)]);
    const { setting, key } = await repositories.add(body, parts.clock.now(), signal);
    const { name, location } = setting;
    return audited(parts, { by: actor(), action: "backup.repository.add", target: name }, (detail) => {
      detail({ location });
      return { repository: view(setting), ...(key === undefined ? {} : { key }) };
    });
  });

  router.answer(backupEndpoints.removeRepository, ({ params, actor }) =>
    audited(parts, { by: actor(), action: "backup.repository.remove", target: params.name }, () =>
      view(repositories.remove(params.name)),
    ),
  );

  router.answer(backupEndpoints.repositoryKey, ({ params, actor }) =>
    audited(parts, { by: actor(), action: "backup.repository.key", target: params.name }, () => ({
      key: repositories.key(params.name),
    })),
  );

  router.stream(backupEndpoints.checkRepository, async ({ params, body }) => {
    const repository = await repositories.open(params.name, router.closing);
    return async function* (signal) {
      const problems = await repository.check(body, signal);
      yield { item: { problems, sizeBytes: await repository.size(signal) } };
    };
  });
}

function view({ name, location, isDefault, createdAt }: BackupRepositoryView): BackupRepositoryView {
  return { name, location, isDefault, createdAt };
}
