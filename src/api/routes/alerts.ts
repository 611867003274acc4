import type { Alert } from "../../alerting/alert-book.ts";
import { scopeOf } from "../../alerting/teller.ts";
import { isBeyond, rankOf, subjectName } from "../../policy/alert-rule.ts";
import { isFlapping } from "../../policy/alert-step.ts";
import { amount } from "../../policy/alert-text.ts";
import { audited } from "../audited.ts";
import { type AlertView, alertEndpoints } from "../contract/alerts.ts";
import { apiError } from "../errors.ts";
import type { Router } from "../route.ts";

export function alertRoutes(router: Router): void {
  const { parts } = router;
  const { alerting, channels } = parts.alerts;
  const now = () => parts.clock.now();

  router.answer(alertEndpoints.active, ({ sees }) => ({
    alerts: alerting
      .active()
      .filter(({ subject }) => sees(scopeOf(subject.scope) ?? {}))
      .map((alert) => view(alert, now())),
    silences: alerting.book.silences().filter(({ until }) => until > now()),
    channels: channels.list().length,
  }));

  router.answer(alertEndpoints.history, ({ query, sees }) => ({
    alerts: alerting.book
      .history(query)
      .filter(({ subject }) => sees(scopeOf(subject.scope) ?? {}))
      .map((past) => ({ ...past, about: subjectName(past.subject) })),
  }));

  router.answer(alertEndpoints.rules, ({ sees }) => ({
    rules: alerting
      .values()
      .filter(({ only }) => only === undefined || sees(scopeOf(only) ?? {}))
      .map(({ rule, only, values }) => ({
        name: rule.name,
        title: rule.title,
        ...(only === undefined ? {} : { scope: only }),
        hint: rule.hint,
        levels: rule.levels.map(({ severity, at, forSeconds }) => ({
          severity,
          threshold: amount(at, rule.unit),
          forSeconds,
        })),
        values: values
          .filter(({ reading }) => sees(scopeOf(reading.subject.scope) ?? {}))
          .map(({ rule: mine, reading }) => {
            const beyond = mine.levels.filter((level) => isBeyond(mine, level, reading.value)).at(-1);
            return {
              subject: reading.subject,
              about: subjectName(reading.subject),
              value: reading.value,
              text: reading.words ?? amount(reading.value, mine.unit),
              ...(beyond ? { severity: beyond.severity } : {}),
            };
          }),
      })),
  }));

  router.answer(alertEndpoints.acknowledge, ({ params, body, actor, demand, sees }) => {
    const alert = alerting.active().find(({ id }) => id === params.id);
    const scope = scopeOf(alert?.subject.scope) ?? {};
    if (alert && sees(scope)) demand(scope);
    const by = actor(body.reason);
    return audited(parts, { by, action: "alert.acknowledge", target: alert?.key ?? params.id }, () =>
      view(alerting.acknowledge(params.id, by), now()),
    );
  });

  router.answer(alertEndpoints.silence, ({ body, actor, demand }) => {
    const { stack, environment } = body;
    demand({
      ...(stack === undefined ? {} : { stack }),
      ...(environment === undefined ? {} : { environment }),
    });
    if (body.until <= now()) throw apiError("API_INPUT_INVALID", "a silence ends in the future");
    const by = actor(body.reason);
    return audited(
      parts,
      { by, action: "alert.silence", target: `${stack ?? "*"}/${environment ?? "*"}` },
      (detail) => {
        const made = alerting.silence({ ...body, by: by.name });
        detail({ silence: made.id, until: made.until });
        return made;
      },
    );
  });

  router.answer(alertEndpoints.unsilence, ({ params, actor, demand }) => {
    const known = alerting.book.silences().find(({ id }) => id === params.id);
    const { stack, environment } = known ?? {};
    demand({
      ...(stack === undefined ? {} : { stack }),
      ...(environment === undefined ? {} : { environment }),
    });
    return audited(parts, { by: actor(), action: "alert.unsilence", target: params.id }, () =>
      alerting.unsilence(params.id),
    );
  });
}

function view(alert: Alert, now: number): AlertView {
  const {
    id = "",
    rule,
    subject,
    message,
    detail,
    hint,
    firedAt,
    acknowledged,
    quiet,
    told,
    severity,
  } = alert;
  return {
    id,
    rule,
    severity: severity ?? "info",
    subject,
    about: subjectName(subject),
    message,
    hint,
    since: firedAt ?? now,
    flapping: isFlapping(alert, now),
    told: rankOf(told) >= 0,
    ...(detail === undefined ? {} : { detail }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(quiet === undefined ? {} : { quiet }),
  };
}
