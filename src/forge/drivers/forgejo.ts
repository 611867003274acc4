import { Gitea } from "./gitea.ts";

/** Forgejo speaks Gitea's protocol under headers of its own name. */
export class Forgejo extends Gitea {
  constructor() {
    super("forgejo");
  }
}
