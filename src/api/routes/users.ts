import { accessError } from "../../access/errors.ts";
import { type User, viewUser } from "../../access/user.ts";
import { audited } from "../audited.ts";
import { accessEndpoints } from "../contract/access.ts";
import type { Router } from "../route.ts";

/** What administrators do about people. */
export function userRoutes(router: Router): void {
  const { parts } = router;
  const { access } = parts;

  router.answer(accessEndpoints.users, () => ({ users: access.users.list().map(viewUser) }));

  router.answer(accessEndpoints.invite, ({ body, actor }) =>
    audited(parts, { by: actor(), action: "user.add", target: body.email }, (detail) => {
      const { email, name = email.split("@")[0] ?? email, grants } = body;
      const user = access.users.create({ email, name, grants });
      detail({ after: shown(user) });
      return { user: viewUser(user), ...access.invite(user) };
    }),
  );

  router.answer(accessEndpoints.changeUser, ({ params, body, actor }) => {
    const before = known(router, params.id);
    const entry = { by: actor(body.reason), action: "user.change", target: before.email };
    return audited(parts, entry, (detail) => {
      const after = access.users.update(params.id, ({ disabledAt, ...user }) => {
        const disabled = body.disabled ?? disabledAt !== undefined;
        return {
          ...user,
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.grants === undefined ? {} : { grants: body.grants }),
          ...(disabled ? { disabledAt: disabledAt ?? parts.clock.now() } : {}),
        };
      });
      if (after.disabledAt !== undefined) access.sessions.endAll(after.id);
      detail({ before: shown(before), after: shown(after) });
      return viewUser(after);
    });
  });

  router.answer(accessEndpoints.resetUser, ({ params, actor }) => {
    const { email } = known(router, params.id);
    return audited(parts, { by: actor(), action: "user.reset", target: email }, () => {
      const user = access.reset(params.id);
      return { user: viewUser(user), ...access.invite(user) };
    });
  });

  router.answer(accessEndpoints.providers, () => ({
    providers: access.providers.list().map(({ name, title }) => ({ name, title })),
  }));

  router.answer(accessEndpoints.saveProvider, ({ params, body, actor }) =>
    audited(parts, { by: actor(), action: "signInProvider.save", target: params.name }, (detail) => {
      const { secret: _secret, ...provider } = access.providers.save({ ...body, name: params.name });
      detail({ after: provider });
      return provider;
    }),
  );

  router.answer(accessEndpoints.removeProvider, ({ params, actor }) =>
    audited(parts, { by: actor(), action: "signInProvider.remove", target: params.name }, () => {
      access.providers.remove(params.name);
      return { done: true as const };
    }),
  );
}

function known({ parts }: Router, id: string): User {
  const user = parts.access.users.get(id);
  if (!user) throw accessError("ACCESS_USER_UNKNOWN", `there is no user ${id}`);
  return user;
}

/** For the audit trail: what somebody is and may do, nothing that proves them. */
function shown({ name, grants, disabledAt }: User) {
  return { name, grants, disabled: disabledAt !== undefined };
}
