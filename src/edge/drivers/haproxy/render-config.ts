import { sha256 } from "../../../lib/hash.ts";
import type { InternalListener } from "../../port.ts";
import { jsonRules } from "./error-pages.ts";
import { fixedBackends } from "./render-answers.ts";
import { publicFrontend } from "./render-frontend.ts";
import { handoverBackend, handoverBind, handoverOf, handoverRule } from "./render-handover.ts";
import { bindAddress, type Lines, type RenderOptions } from "./render-options.ts";
import { requestId, requestIdPrefix } from "./render-origin.ts";
import { httpPool, poolDefaults, repeatable, tcpPool } from "./render-pool.ts";
import { httpVariants, type Pool, type Truth } from "./truth.ts";

/** The complete haproxy.cfg for a truth: what any start or reload begins with. */
export function renderConfig(truth: Truth, options: RenderOptions): string {
  const pools = Array.from(
    { length: truth.size.pools },
    (_, at): Pool =>
      truth.pools.find((pool) => pool.index === at + 1) ?? { index: at + 1, backend: "", slots: [] },
  );
  const lines: Lines = [
    ...globalSection(options),
    ...httpDefaults(),
    ...tcpDefaults(),
    ...publicFrontend(truth, options),
    ...truth.config.internal.flatMap((listener) => internalFrontend(listener, truth, options)),
    ...fixedBackends(truth, options),
    ...poolDefaults(options.layout),
    ...pools.flatMap((pool) =>
      httpVariants.flatMap((variant) => httpPool(variant, pool, { truth, layout: options.layout })),
    ),
    ...tcpPools(truth, pools).flatMap((pool) => tcpPool(pool, truth, options.layout)),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * What of a truth only a reload can change, as a digest. Targets, weights, routes, holds, certificates and trusted
 * ranges are not in it.
 */
export function reloadFingerprint(truth: Truth, options: RenderOptions): string {
  return sha256(renderConfig({ ...truth, pools: withoutTargets(truth) }, options));
}

/** Pools stay where an internal listener names them; their slots are a matter of the runtime API. */
function withoutTargets(truth: Truth): Pool[] {
  const named = new Set(truth.config.internal.map((listener) => listener.backend));
  return truth.pools.filter((pool) => named.has(pool.backend)).map((pool) => ({ ...pool, slots: [] }));
}

function globalSection({ layout, maxConnections, account }: RenderOptions): Lines {
  return [
    "# Written by Roadstead: edits are lost at the next change.",
    "global",
    // The master stays root, to bind and to reload; what meets the network is not.
    ...(account ? [`  uid ${account.user}`, `  gid ${account.group}`] : []),
    `  stats socket ${layout.adminSocket} mode 600 level admin expose-fd listeners`,
    // A reader of the request log holds its connection for as long as it lives.
    "  stats timeout 20d",
    `  maxconn ${maxConnections}`,
    // Long enough for open WebSockets of an old worker, but no worker stays for ever.
    "  hard-stop-after 12h",
    "  log ring@requests format raw local0",
    `  setenv ROADSTEAD_POOLS ${layout.maps.pools}`,
    `  lua-load ${layout.lua}`,
    // The cipher string is R-023's, for TLS 1.2; TLS 1.3 has its own, all of them strong.
    "  ssl-default-bind-ciphers HIGH:!aNULL:!MD5:!3DES",
    "  ssl-default-bind-options ssl-min-ver TLSv1.2",
    "  tune.ssl.default-dh-param 2048",
    "",
    "ring requests",
    "  format raw",
    "  maxlen 256",
    "  size 1048576",
    "",
  ];
}

function httpDefaults(): Lines {
  return [
    "defaults http",
    "  mode http",
    "  log global",
    '  log-format "%Ts.%ms %b/%s %ST %Tr %Ta"',
    "  option dontlognull",
    "  option idle-close-on-response",
    "  option clitcpka",
    "  option srvtcpka",
    // Targets are near. HAProxy waits as long (1 s at most) before it tries the same target again.
    "  timeout connect 500ms",
    "  timeout client 75s",
    "  timeout server 1h",
    "  timeout http-request 10s",
    "  timeout http-keep-alive 60s",
    "  timeout tunnel 24h",
    "  timeout queue 5s",
    "",
  ];
}

function tcpDefaults(): Lines {
  return [
    "defaults tcp",
    "  mode tcp",
    "  timeout connect 500ms",
    "  timeout client 24h",
    "  timeout server 24h",
    "  retries 3",
    "  option redispatch 1",
    "  option clitcpka",
    "  option srvtcpka",
    "",
  ];
}

function internalFrontend(listener: InternalListener, truth: Truth, options: RenderOptions): Lines {
  const index = truth.pools.find((pool) => pool.backend === listener.backend)?.index ?? 0;
  const digest = sha256(`${listener.host}:${listener.port}`).slice(0, 12);
  const name = `internal_${digest}`;
  const handover = handoverOf(options.layout, digest);
  const allow = [
    `  bind ${bindAddress(listener, options)}`,
    listener.allow.length > 0
      ? `  tcp-request session reject unless { src ${listener.allow.join(" ")} }`
      : "  tcp-request session reject",
  ];
  if (listener.protocol === "tcp")
    return [`frontend ${name} from tcp`, ...allow, `  default_backend t${index}`, ""];
  return [
    ...handoverBackend(handover),
    `frontend ${name} from http`,
    ...allow,
    handoverBind(handover, options.account),
    requestIdPrefix,
    handoverRule,
    `  http-request set-header x-request-id ${requestId} unless { req.hdr(x-request-id) -m found }`,
    "  http-request set-var(txn.id) req.hdr(x-request-id)",
    `  use_backend ${handover.name} if { stopping }`,
    `  use_backend n${index} if !${repeatable}`,
    `  default_backend p${index}`,
    ...jsonRules,
    "",
  ];
}

function tcpPools(truth: Truth, pools: readonly Pool[]): Pool[] {
  const named = new Set(
    truth.config.internal
      .filter((listener) => listener.protocol === "tcp")
      .map((listener) => listener.backend),
  );
  return pools.filter((pool) => named.has(pool.backend));
}
