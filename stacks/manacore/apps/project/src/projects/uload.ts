import { randomBytes } from "node:crypto";
import { z } from "zod";
import { defineProject } from "../project.js";

/** A short code that leads to a long address. */
export const uload = defineProject(
  "uload",
  z.object({ url: z.url({ protocol: /^https?$/, hostname: z.regexes.domain }).max(2_000) }),
  ({ url }) => ({ url, code: randomBytes(5).toString("base64url") }),
);
