import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { ReleaseView } from "../../../src/api/contract/models.ts";
import { useApi, useChange } from "../api/queries.ts";
import { Changes } from "../features/stack/changes.tsx";
import { StackTabs } from "../features/stack/tabs.tsx";
import { ActionButton } from "../ui/actions.tsx";
import { ago, minute, shortDigest } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Mark } from "../ui/mark.tsx";
import { Empty } from "../ui/message.tsx";
import { useNow } from "../ui/now.ts";
import { PageHead, Panel, Table } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";
import type { Scope } from "../ui/scope-text.ts";
import { tell, tellFailure } from "../ui/toasts.tsx";

const from = "/inside/stacks/$stack/$environment/releases" as const;

/** The releases of a stack, and what one of them changed. */
export function Releases() {
  const scope = useParams({ from });
  const search = useSearch({ from });
  const query = useApi("GET /stacks/:stack/:environment/releases", { params: scope });
  return (
    <>
      <PageHead title="Releases" crumbs={<ScopeLink scope={scope} />} />
      <StackTabs scope={scope} />
      <Loaded query={query} waitingFor="the releases">
        {({ releases }) =>
          releases.length === 0 ? (
            <Empty run="./roadstead deploy -f compose.yaml">
              <p>There is no release yet. Each deployment that begins makes one:</p>
            </Empty>
          ) : (
            <>
              <Table label="Releases" head={["Release", "Label", "Made", "State", "Images", ""]}>
                {releases.map((release) => (
                  <Row key={release.id} scope={scope} release={release} chosen={search.of} />
                ))}
              </Table>
              <Comparison
                scope={scope}
                releases={releases}
                of={search.of ?? `v${releases[0]?.number ?? 1}`}
                against={search.from}
              />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function Row({ scope, release, chosen }: { scope: Scope; release: ReleaseView; chosen: string | undefined }) {
  const now = useNow(10_000);
  const rollback = useChange("POST /stacks/:stack/:environment/rollback");
  const name = `v${release.number}`;
  return (
    <tr>
      <td>
        <Link
          to="/stacks/$stack/$environment/releases"
          params={scope}
          search={{ of: name }}
          data-row=""
          resetScroll={false}
          aria-current={chosen === name ? "true" : undefined}
        >
          {name}
        </Link>
      </td>
      <td>{release.label}</td>
      <td className="nowrap">{minute(release.createdAt)}</td>
      <td className="nowrap">
        {release.current ? (
          <Mark tone="healthy">serves now</Mark>
        ) : release.warmUntil !== undefined && release.warmUntil > now ? (
          <Mark tone="info">warm, back at once; {ago(release.warmUntil, now).replace("in ", "for ")}</Mark>
        ) : (
          <span className="quiet">kept</span>
        )}
      </td>
      <td className="small mono">
        {Object.entries(release.images).map(([service, { digest }]) => (
          <div key={service} className="nowrap">
            {service} {shortDigest(digest).slice(0, 19)}
          </div>
        ))}
      </td>
      <td className="nowrap">
        {!release.current && (
          <ActionButton
            label="Roll back to it"
            title={`Make ${name} the current release of ${scope.stack}?`}
            needs="operate"
            onConfirm={(reason) =>
              rollback.mutate(
                { params: scope, body: { release: release.id, reason } },
                { onSuccess: () => tell("healthy", `Rolling back to ${name}`), onError: tellFailure },
              )
            }
          />
        )}
      </td>
    </tr>
  );
}

function Comparison({
  scope,
  releases,
  of,
  against,
}: {
  scope: Scope;
  releases: readonly ReleaseView[];
  of: string;
  against: string | undefined;
}) {
  const navigate = useNavigate({ from: "/stacks/$stack/$environment/releases" });
  const query = useApi("GET /stacks/:stack/:environment/releases/:release/changes", {
    params: { ...scope, release: of },
    query: against === undefined ? {} : { from: against },
    keep: true,
  });
  const others = releases.filter(({ number }) => `v${number}` !== of);
  return (
    <Panel
      title={`What ${of} changed`}
      note={
        <label>
          against{" "}
          <select
            className="inline"
            value={against ?? ""}
            onChange={({ target }) =>
              void navigate({
                search: target.value === "" ? { of } : { of, from: target.value },
                resetScroll: false,
              })
            }
          >
            <option value="">the release before</option>
            {others.map(({ number, label }) => (
              <option key={number} value={`v${number}`}>
                v{number} {label}
              </option>
            ))}
          </select>
        </label>
      }
    >
      <Loaded query={query} waitingFor="the changes">
        {(changes) => <Changes changes={changes} />}
      </Loaded>
    </Panel>
  );
}
