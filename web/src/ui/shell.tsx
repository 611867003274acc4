import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { CircleHelp, Menu, Moon, Search, Sun, SunMoon } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useLive } from "../api/live.ts";
import { Brand } from "./brand.tsx";
import { Help } from "./help.tsx";
import { useKeys } from "./keys.ts";
import { Mark } from "./mark.tsx";
import { Nav } from "./nav.tsx";
import { type Theme, useTheme } from "./theme.ts";
import { Toasts } from "./toasts.tsx";

const Palette = lazy(() => import("./palette.tsx").then(({ Palette }) => ({ default: Palette })));

const themes: Record<Theme, { next: Theme; icon: typeof Sun; name: string }> = {
  system: { next: "light", icon: SunMoon, name: "as the system" },
  light: { next: "dark", icon: Sun, name: "light" },
  dark: { next: "system", icon: Moon, name: "dark" },
};

/** What stands around every page. */
export function Shell() {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const [open, setOpen] = useState<"palette" | "help" | "menu">();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    // A new page: whoever uses a keyboard or a screen reader begins at its contents.
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [pathname]);
  const actions = useMemo(
    () => ({
      find: () => setOpen("palette"),
      help: () => setOpen("help"),
      go: (to: string) => void navigate({ to }),
    }),
    [navigate],
  );
  useKeys(actions);
  const close = () => setOpen(undefined);
  return (
    <div className="app">
      <a className="skip" href="#contents">
        Skip to contents
      </a>
      <header className="top">
        <button
          type="button"
          className="button plain menu-button"
          aria-expanded={open === "menu"}
          aria-label="Pages"
          onClick={() => setOpen(open === "menu" ? undefined : "menu")}
        >
          <Menu size={18} aria-hidden="true" />
        </button>
        <Link to="/" className="brand" aria-label="Roadstead, overview">
          <Brand />
        </Link>
        <button type="button" className="button find" onClick={actions.find}>
          <Search size={14} aria-hidden="true" />
          <span>Go to or do…</span>
          <kbd>Ctrl K</kbd>
        </button>
        <div className="end">
          <Live />
          <ThemeSwitch />
          <button
            type="button"
            className="button plain"
            onClick={actions.help}
            aria-label="Keyboard shortcuts"
          >
            <CircleHelp size={16} aria-hidden="true" />
          </button>
        </div>
      </header>
      <Nav open={open === "menu"} onGo={close} counts={{}} />
      <main className="page" id="contents" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
      <Suspense>{open === "palette" && <Palette onClose={close} />}</Suspense>
      <Help open={open === "help"} onClose={close} />
      <Toasts />
    </div>
  );
}

function Live() {
  const live = useLive();
  const words = { connecting: "Connecting", live: "Live", away: "Reconnecting" } as const;
  return (
    <span className="live small" aria-live="polite">
      <Mark tone={live === "live" ? "healthy" : live === "away" ? "warning" : "busy"}>
        <span>{words[live]}</span>
      </Mark>
    </span>
  );
}

function ThemeSwitch() {
  const [theme, setTheme] = useTheme();
  const { next, icon: Icon, name } = themes[theme];
  return (
    <button
      type="button"
      className="button plain"
      onClick={() => setTheme(next)}
      aria-label={`Colours: ${name}. Change to ${themes[next].name}`}
    >
      <Icon size={16} aria-hidden="true" />
    </button>
  );
}
