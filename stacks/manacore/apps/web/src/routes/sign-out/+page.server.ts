import { redirect } from "@sveltejs/kit";
import { signOut } from "$lib/server/auth-service";
import { dropSession, readSession } from "$lib/server/session-cookies";

export const load = () => redirect(303, "/");

export const actions = {
  default: async ({ cookies }) => {
    const { refreshToken } = readSession(cookies);
    if (refreshToken) await signOut(refreshToken);
    dropSession(cookies);
    redirect(303, "/sign-in");
  },
};
