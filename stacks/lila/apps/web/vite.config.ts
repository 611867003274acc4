import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { configPlugin } from "./server/config-plugin.ts";

export default defineConfig({
  plugins: [react(), configPlugin()],
  server: { port: 5173, strictPort: true },
  build: { target: "es2023", sourcemap: true },
});
