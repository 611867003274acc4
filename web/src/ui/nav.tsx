import { Link } from "@tanstack/react-router";
import {
  Archive,
  Bell,
  GitBranch,
  KeyRound,
  LayoutDashboard,
  type LucideIcon,
  Rocket,
  ScrollText,
  Server,
  Settings,
  ShieldCheck,
  Siren,
  Users,
} from "lucide-react";
import type { ReactNode } from "react";

export type Place = { to: string; name: string; icon: LucideIcon };

/** The pages in the order of a day's work: look, ship, operate the platform itself. */
export const groups: readonly { name: string; places: readonly Place[] }[] = [
  {
    name: "Watch",
    places: [
      { to: "/", name: "Overview", icon: LayoutDashboard },
      { to: "/stacks", name: "Stacks", icon: Server },
      { to: "/alerts", name: "Alerts", icon: Bell },
      { to: "/incidents", name: "Incidents and drills", icon: Siren },
      { to: "/logs", name: "Logs", icon: ScrollText },
    ],
  },
  {
    name: "Ship",
    places: [
      { to: "/deployments", name: "Deployments", icon: Rocket },
      { to: "/runs", name: "Pipeline runs", icon: GitBranch },
      { to: "/variables", name: "Variables and secrets", icon: KeyRound },
      { to: "/backups", name: "Backups", icon: Archive },
    ],
  },
  {
    name: "Platform",
    places: [
      { to: "/access", name: "Users and tokens", icon: Users },
      { to: "/audit", name: "Audit trail", icon: ShieldCheck },
      { to: "/settings", name: "Settings", icon: Settings },
    ],
  },
];

export function Nav({
  open,
  onGo,
  counts,
}: {
  open: boolean;
  onGo: () => void;
  counts: Record<string, ReactNode>;
}) {
  return (
    <nav className="rail" aria-label="Pages" data-open={open}>
      {groups.map((group) => (
        <div key={group.name}>
          <h2>{group.name}</h2>
          <ul>
            {group.places.map(({ to, name, icon: Icon }) => (
              <li key={to}>
                <Link to={to} activeOptions={{ exact: to === "/" }} onClick={onGo}>
                  <Icon size={16} aria-hidden="true" />
                  {name}
                  {counts[to] !== undefined && <span className="count">{counts[to]}</span>}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
