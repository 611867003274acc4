import { fail, redirect } from "@sveltejs/kit";
import { type Answer, ask } from "$lib/server/ask";
import { projectFields } from "$lib/server/project-form";
import { peer, project } from "$lib/server/settings";

type Message = { id: string; prompt: string; reply: string };
type Item = { id: string; body: Record<string, string> };

const api = (path: string) => `${peer("API_URL")}/api/${path}`;

function bodyOf<T>(answer: Answer<T>): T | undefined {
  if (answer.ok) return answer.body;
  if (answer.status === 401) redirect(303, "/sign-in");
  return undefined;
}

export const load = async ({ locals }) => {
  const name = project();
  if (name === "memoro") return { kind: "memoro" as const };
  const token = locals.manaToken;
  if (!token) redirect(303, "/sign-in");
  if (name !== "chat") {
    const items = bodyOf(await ask<{ items: Item[] }>(api("items"), { token }));
    return { kind: "items" as const, fields: projectFields[name], items: items?.items };
  }
  const [messages, credits] = await Promise.all([
    ask<{ messages: Message[] }>(api("chat/messages"), { token }),
    ask<{ credits: number }>(api("credits"), { token }),
  ]);
  return { kind: "chat" as const, messages: bodyOf(messages)?.messages, credits: bodyOf(credits)?.credits };
};

export const actions = {
  send: async ({ request, locals }) => {
    if (!locals.manaToken) redirect(303, "/sign-in");
    const content = String((await request.formData()).get("message") ?? "");
    const answer = await ask<{ message: string; credits: number }>(api("chat/completions"), {
      method: "POST",
      token: locals.manaToken,
      body: { messages: [{ role: "user", content }] },
    });
    return answer.ok ? { problem: undefined } : fail(answer.status, { problem: answer.message });
  },
  make: async ({ request, locals }) => {
    const name = project();
    if (name === "chat" || name === "memoro") return fail(404, { problem: "There is nothing to make here." });
    if (!locals.manaToken) redirect(303, "/sign-in");
    const form = await request.formData();
    const body = Object.fromEntries(
      projectFields[name].map((field) => [field, String(form.get(field) ?? "")]),
    );
    const answer = await ask(api("items"), { method: "POST", token: locals.manaToken, body });
    return answer.ok ? { problem: undefined } : fail(answer.status, { problem: answer.message });
  },
};
