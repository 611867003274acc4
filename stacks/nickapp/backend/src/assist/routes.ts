import { Router } from "express";
import { z } from "zod";
import { personIn, requirePerson } from "../auth/require-person.ts";
import { unavailable } from "../platform/http-error.ts";
import { log } from "../platform/log.ts";
import type { Parts } from "../platform/parts.ts";
import { enforce } from "../platform/rate-limit.ts";

const wanted = z.object({ title: z.string().trim().min(3).max(120) });
const completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});
const limit = { name: "assist", most: 10, windowMs: 60_000 };

/** Drafts the description of a request. A helper: nothing else waits for it or needs it. */
export function assistRoutes(parts: Parts): Router {
  const { settings, redis } = parts;
  const router = Router();
  router.post("/describe", requirePerson(parts), async (request, response) => {
    const { title } = wanted.parse(request.body);
    response.set(await enforce(redis, limit, personIn(request).id));
    if (!settings.OPENAI_API_KEY) throw unavailable("the writing helper");
    try {
      const answer = await fetch(`${settings.OPENAI_BASE_URL}/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${settings.OPENAI_API_KEY}` },
        body: JSON.stringify({
          model: settings.OPENAI_MODEL,
          max_tokens: 200,
          messages: [
            { role: "system", content: "Write a short description of a purchase request for a marketplace." },
            { role: "user", content: title },
          ],
        }),
        signal: AbortSignal.timeout(15_000),
      });
      if (!answer.ok) throw new Error(`the model answered ${answer.status}`);
      const { choices } = completion.parse(await answer.json());
      response.json({ text: choices[0]?.message.content ?? "" });
    } catch (error) {
      log("assist.unavailable", { message: error instanceof Error ? error.message : String(error) });
      throw unavailable("the writing helper");
    }
  });
  return router;
}
