import { commonSettings } from "@manacore/platform/settings";
import { z } from "zod";

export const projectSettings = commonSettings.extend({
  PROJECT: z.enum(["maerchenzauber", "picture", "uload"]),
  JWKS_URL: z.url(),
  READ_LIMIT: z.coerce.number().int().min(1).default(600),
});
