import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { DeploymentView } from "../../../../src/api/contract/models.ts";
import { Mark } from "../../ui/mark.tsx";
import { deploymentTone } from "../../ui/states.ts";

/** A deployment's state, leading to its page. */
export function DeploymentLink({
  id,
  state,
  children,
}: {
  id: string;
  state: DeploymentView["state"];
  children: ReactNode;
}) {
  return (
    <Mark tone={deploymentTone[state]}>
      <Link to="/deployments/$id" params={{ id }}>
        {children}
      </Link>
    </Mark>
  );
}
