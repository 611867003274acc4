import type { VariableViewModel } from "../../../../src/api/contract/environment.ts";
import { useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { minute } from "../../ui/format.ts";
import { Mark, type Tone } from "../../ui/mark.tsx";
import { Table } from "../../ui/panel.tsx";
import type { Scope } from "../../ui/scope-text.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";

const states: Record<VariableViewModel["state"], { tone: Tone; words: string }> = {
  set: { tone: "healthy", words: "set" },
  file: { tone: "healthy", words: "from a file of the stack" },
  default: { tone: "healthy", words: "the Compose file’s default" },
  missing: { tone: "critical", words: "missing" },
  unused: { tone: "unknown", words: "nothing asks for it" },
};

const lives: Record<VariableViewModel["live"], string> = {
  same: "in use",
  differs: "another value runs: deploy to apply",
  unknown: "not known",
  absent: "not in use",
};

export function VariableTable({
  scope,
  variables,
}: {
  scope: Scope;
  variables: readonly VariableViewModel[];
}) {
  const change = useChange("POST /stacks/:stack/:environment/variables");
  return (
    <Table label="Variables" head={["Name", "Value", "State", "Running", "Services", "Changed", ""]}>
      {variables.map(({ name, set, secret, state, services, live }) => (
        <tr key={name}>
          <td className="mono nowrap">{name}</td>
          <td className="break">
            <Value set={set} secret={secret} />
          </td>
          <td>
            <Mark tone={states[state].tone}>{states[state].words}</Mark>
          </td>
          <td>
            {live === "differs" ? (
              <Mark tone="warning">{lives[live]}</Mark>
            ) : (
              <span className="quiet">
                {state === "default" && live === "absent" ? "the default" : lives[live]}
              </span>
            )}
          </td>
          <td>{services.join(", ")}</td>
          <td className="nowrap small">
            {set && (
              <>
                {minute(set.changedAt)} <span className="quiet">by {set.changedBy}</span>
              </>
            )}
          </td>
          <td className="num">
            {set && (
              <ActionButton
                label="Unset"
                title={`Unset ${name}?`}
                needs="develop"
                danger
                onConfirm={(reason) =>
                  change.mutate(
                    { params: scope, body: { changes: [{ kind: "unset", name }], reason } },
                    { onSuccess: () => tell("healthy", `${name} is unset`), onError: tellFailure },
                  )
                }
              >
                <p>It counts from the next deployment on.</p>
              </ActionButton>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Value({ set, secret }: { set: VariableViewModel["set"] | undefined; secret: boolean }) {
  if (!set) return <span className="quiet">{secret ? "a secret" : ""}</span>;
  if (set.kind === "plain") return <code>{set.value}</code>;
  if (set.kind === "reference") return <code>{set.reference}</code>;
  return (
    <span className="quiet">
      <span aria-hidden="true">••••••</span> <span className="sr">hidden</span>
    </span>
  );
}
