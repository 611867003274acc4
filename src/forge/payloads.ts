import { z } from "zod";
import { forgeError } from "./errors.ts";
import type { ForgeEvent, HookRequest, PullRequestEvent, PushEvent } from "./port.ts";

/** The parts of push and pull-request bodies in which GitHub, Gitea and Forgejo agree. Everything else is passed over. */

const maxTitle = 200;
const commitId = z.string().regex(/^[0-9a-f]{40,64}$/, "is no commit id");
/** What git accepts as a name, and nothing that could pass for an option or leave its folder. */
const refName = z
  .string()
  .max(250)
  .regex(/^(?!-)(?!.*\.\.)[^\s\p{C}~^:?*[\\]+$/u, "is no name of a branch or tag");
const repository = z.object({ full_name: z.string().max(300) });

const pushSchema = z.object({
  ref: refName,
  after: commitId,
  deleted: z.boolean().optional(),
  head_commit: z
    .object({ message: z.string(), author: z.object({ name: z.string().optional() }).optional() })
    .nullish(),
});

const pullRequestSchema = z.object({
  action: z.string().max(100),
  number: z.number().int().positive().max(1_000_000_000),
  pull_request: z.object({
    title: z.string(),
    user: z.object({ login: z.string() }).nullish(),
    head: z.object({ ref: refName, sha: commitId, repo: repository.nullish() }),
    base: z.object({ ref: refName }),
  }),
  repository,
});

const actions: Readonly<Record<string, PullRequestEvent["action"]>> = {
  opened: "opened",
  reopened: "opened",
  // GitHub says synchronize, Gitea and Forgejo say synchronized.
  synchronize: "updated",
  synchronized: "updated",
  closed: "closed",
};

export function parsePush(body: unknown): PushEvent {
  const { ref, after, deleted, head_commit: head } = checked(pushSchema, body);
  const gone = deleted === true || /^0+$/.test(after);
  return {
    type: "push",
    ref: ref.replace(/^refs\/(heads|tags)\//, ""),
    isTag: ref.startsWith("refs/tags/"),
    ...(gone ? {} : { commit: after }),
    subject: firstLine(head?.message ?? ""),
    author: firstLine(head?.author?.name ?? ""),
  };
}

export function parsePullRequest(body: unknown): ForgeEvent {
  const { action, number, pull_request: request, repository: own } = checked(pullRequestSchema, body);
  const known = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (known === undefined) return { type: "other", name: `pull_request ${action}` };
  const { head, base } = request;
  return {
    type: "pullRequest",
    action: known,
    number,
    title: firstLine(request.title),
    author: firstLine(request.user?.login ?? ""),
    branch: head.ref,
    base: base.ref,
    commit: head.sha,
    // A fork that was deleted meanwhile has no name any more.
    fork: head.repo?.full_name.toLowerCase() !== own.full_name.toLowerCase(),
    fetchRef: `refs/pull/${number}/head`,
  };
}

/** The body as JSON; forges can also send forms, which are refused with what to change. */
export function jsonOf(request: HookRequest): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(request.body));
  } catch (cause) {
    throw forgeError("FORGE_BODY_INVALID", "the body is no JSON document", { cause });
  }
}

/** Names what is wrong and where, never what was sent. */
export function checked<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw forgeError(
    "FORGE_BODY_INVALID",
    `${issue?.path.join(".") ?? "the body"}: ${issue?.message ?? "invalid"}`,
  );
}

function firstLine(text: string): string {
  return (text.split(/\r?\n/, 1)[0] ?? "").slice(0, maxTitle);
}
