import { defineConfig } from "astro/config";

export default defineConfig({
  output: "static",
  // Each project's folder is the root of its own server: nothing may point above it.
  build: { inlineStylesheets: "always" },
});
