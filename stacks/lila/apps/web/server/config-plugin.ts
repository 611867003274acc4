import type { Plugin } from "vite";
import { readPublicConfig } from "./public-config.ts";

/** The development server answers `/config.json` and `/health` as the production server does. */
export function configPlugin(): Plugin {
  return {
    name: "lila-config",
    configureServer(server) {
      const config = readPublicConfig(process.env);
      server.middlewares.use((request, response, next) => {
        const path = request.url?.split("?")[0];
        if (path !== "/config.json" && path !== "/health") return next();
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(path === "/health" ? { status: "ok" } : config));
      });
    },
  };
}
