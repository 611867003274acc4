import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const packed = new Set([".js", ".css", ".html", ".svg"]);

/** Packed copies beside the files, so that the control plane packs nothing while it serves. */
function packedCopies(): Plugin {
  return {
    name: "packed-copies",
    apply: "build",
    closeBundle() {
      const folder = join(import.meta.dirname, "dist");
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (!packed.has(extname(name))) continue;
        const content = readFileSync(join(folder, name));
        writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content));
      }
    },
  };
}

/** `npm run dev` shows the control plane at ROADSTEAD_API, by default the one on this machine. */
const api = { target: process.env["ROADSTEAD_API"] ?? "http://127.0.0.1:7700", changeOrigin: true };

export default defineConfig({
  plugins: [react(), packedCopies()],
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { ...api, headers: { origin: api.target } } },
    fs: { allow: [".."] },
  },
  build: { target: "es2022", manifest: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
