import { fail, redirect } from "@sveltejs/kit";
import { signIn, signUp } from "$lib/server/auth-service";
import { keepSession } from "$lib/server/session-cookies";

export const load = ({ locals, url }) => {
  if (locals.user) redirect(303, "/");
  return { isNew: url.searchParams.has("new") };
};

export const actions = {
  signIn: async ({ request, cookies, url }) => {
    const form = await request.formData();
    const email = String(form.get("email") ?? "");
    const answer = await signIn(email, String(form.get("password") ?? ""));
    if (!answer.ok) return fail(answer.status, { email, isNew: false, problem: answer.message });
    keepSession(cookies, answer.body, url);
    redirect(303, "/");
  },
  signUp: async ({ request, cookies, url }) => {
    const form = await request.formData();
    const email = String(form.get("email") ?? "");
    const name = String(form.get("name") ?? "");
    const answer = await signUp(email, name, String(form.get("password") ?? ""));
    if (!answer.ok) return fail(answer.status, { email, isNew: true, problem: answer.message });
    keepSession(cookies, answer.body, url);
    redirect(303, "/");
  },
};
