import { project, version } from "$lib/server/settings";

export const load = ({ locals }) => ({ project: project(), version: version(), user: locals.user ?? null });
