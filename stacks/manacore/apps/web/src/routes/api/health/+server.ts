import { json } from "@sveltejs/kit";
import { project, version } from "$lib/server/settings";

export const GET = () => json({ status: "ok", service: `${project()}-web`, version: version() });
