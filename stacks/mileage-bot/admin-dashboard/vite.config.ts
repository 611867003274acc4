import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const version = process.env["APP_VERSION"] ?? "1";

export default defineConfig({
  define: { __APP_VERSION__: JSON.stringify(version) },
  plugins: [
    react(),
    {
      name: "version-file",
      generateBundle() {
        const source = JSON.stringify({ status: "ok", version });
        this.emitFile({ type: "asset", fileName: "version.json", source });
      },
    },
  ],
  build: { target: "es2023" },
  // `npm run dev` beside a backend on this machine: one origin, as behind the edge.
  server: { proxy: { "/api": "http://127.0.0.1:8787", "/auth": "http://127.0.0.1:8787" } },
});
