import { join } from "node:path";
import { build } from "esbuild";

/** Each program becomes one file with everything in it, so that the final image needs no package manager and no packages. */
const root = join(import.meta.dirname, "..");
await build({
  absWorkingDir: root,
  entryPoints: {
    "bot-olim-p-code": "src/main.ts",
    migrate: "src/migrate.ts",
    health: "src/health.ts",
  },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  minifySyntax: true,
  platform: "node",
  target: "node24",
  format: "esm",
  // Optional native parts of the libraries, which they do without.
  external: ["pg-native", "zlib-sync", "bufferutil", "utf-8-validate", "@discordjs/voice"],
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
