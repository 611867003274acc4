/** A browser in miniature: follows redirects, keeps cookies, presses a person's button. */
export class Browser {
  readonly #cookies = new Map<string, string>();

  /** Follows redirects until a page, or until an address that starts with `stopAt`. */
  async open(
    url: string,
    stopAt: string,
    init: RequestInit = {},
  ): Promise<{ url: URL; page: string; status: number }> {
    let next = url;
    let request = init;
    for (let hops = 0; hops < 10; hops += 1) {
      if (next.startsWith(stopAt)) return { url: new URL(next), page: "", status: 0 };
      const headers = {
        ...request.headers,
        cookie: [...this.#cookies].map((pair) => pair.join("=")).join("; "),
      };
      const response = await fetch(next, { ...request, headers, redirect: "manual" });
      this.#keep(response);
      const location = response.headers.get("location");
      if (!location) return { url: new URL(next), page: await response.text(), status: response.status };
      next = new URL(location, next).href;
      request = {};
    }
    throw new Error(`too many redirects from ${url}`);
  }

  /** Opens the sign-in page, picks, and gives the address that the browser is sent back to. */
  async signIn(url: string, pick: Record<string, string>, stopAt: string): Promise<URL> {
    const { url: at, page } = await this.open(url, stopAt);
    const action = /<form method="post" action="([^"]+)"/.exec(page)?.[1]?.replaceAll("&amp;", "&");
    if (!action) throw new Error(`no sign-in form at ${at}: ${page}`);
    const form = { method: "POST", body: new URLSearchParams(pick) };
    return (await this.open(new URL(action, at).href, stopAt, form)).url;
  }

  #keep(response: Response): void {
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (name !== undefined && value !== undefined) this.#cookies.set(name, value);
    }
  }
}
