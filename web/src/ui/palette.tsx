import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Layers, Moon, Server, Sun, SunMoon } from "lucide-react";
import { useApi } from "../api/queries.ts";
import { Dialog } from "./dialog.tsx";
import { groups } from "./nav.tsx";
import { setTheme } from "./theme.ts";

/** Everything that can be reached, by typing a part of its name. */
export function Palette({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const { data } = useApi("GET /stacks");
  const go = (to: string) => {
    onClose();
    void navigate({ to });
  };
  const stacks = data?.stacks ?? [];
  return (
    <Dialog title="Go to or do" open onClose={onClose} className="palette">
      <Command label="Go to or do" loop>
        <Command.Input placeholder="A page, a stack, a service…" />
        <Command.List>
          <Command.Empty>Nothing has this name.</Command.Empty>
          <Command.Group heading="Pages">
            {groups
              .flatMap((group) => group.places)
              .map(({ to, name, icon: Icon }) => (
                <Command.Item key={to} value={name} onSelect={() => go(to)}>
                  <Icon size={16} aria-hidden="true" />
                  {name}
                </Command.Item>
              ))}
          </Command.Group>
          <Command.Group heading="Stacks and services">
            {stacks.flatMap(({ scope, services }) => {
              const path = `/stacks/${scope.stack}/${scope.environment}`;
              const name = `${scope.stack} / ${scope.environment}`;
              return [
                <Command.Item key={path} value={name} onSelect={() => go(path)}>
                  <Layers size={16} aria-hidden="true" />
                  {name}
                </Command.Item>,
                ...services.map((service) => (
                  <Command.Item
                    key={`${path}/${service.name}`}
                    value={`${name} ${service.name} logs`}
                    onSelect={() => {
                      onClose();
                      void navigate({
                        to: "/logs",
                        search: { scope: `${scope.stack}/${scope.environment}`, service: service.name },
                      });
                    }}
                  >
                    <Server size={16} aria-hidden="true" />
                    {service.name}
                    <span className="quiet small">logs, {name}</span>
                  </Command.Item>
                )),
              ];
            })}
          </Command.Group>
          <Command.Group heading="Colours">
            {(
              [
                ["light", Sun],
                ["dark", Moon],
                ["system", SunMoon],
              ] as const
            ).map(([theme, Icon]) => (
              <Command.Item
                key={theme}
                value={`colours ${theme}`}
                onSelect={() => {
                  setTheme(theme);
                  onClose();
                }}
              >
                <Icon size={16} aria-hidden="true" />
                {theme === "system" ? "As the system" : `Colours: ${theme}`}
              </Command.Item>
            ))}
          </Command.Group>
        </Command.List>
      </Command>
    </Dialog>
  );
}
