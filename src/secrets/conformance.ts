import { describe, expect, it } from "vitest";
import { PlatformError } from "../lib/platform-error.ts";
import { maxSecretBytes, type OwnSecrets, type SecretProvider } from "./port.ts";

/** A provider over something real, with a way to put a value there and to take it down. */
export type ProviderBench = {
  provider: SecretProvider;
  /** Answers the address under which the value can be read. */
  plant: (value: string) => Promise<string>;
  /** An address under which there is nothing. */
  unknown: string;
  /** Absent where there is nothing that could be down. */
  takeDown?: () => Promise<void>;
};

/** What every provider must do. */
export function providerConformance(name: string, make: () => Promise<ProviderBench>): void {
  const signal = () => new AbortController().signal;
  const failure = async (work: Promise<unknown>): Promise<PlatformError> => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(PlatformError);
    return error as PlatformError;
  };

  describe(`secret provider ${name}`, () => {
    it.each(["plain", "with spaces  ", "zwölf Töne ♫", "line one\nline two\n\nend", '{"json": "\\\\ \'"}'])(
      "gives the value whole and unchanged: %j (R-102)",
      async (value) => {
        const { provider, plant } = await make();
        expect(await provider.read(await plant(value), signal())).toBe(value);
      },
    );

    it("gives the newest value at each read (R-102)", async () => {
      const { provider, plant } = await make();
      await provider.read(await plant("old"), signal());
      expect(await provider.read(await plant("new"), signal())).toBe("new");
    });

    it("refuses what it does not know, by its address", async () => {
      const { provider, unknown } = await make();
      const error = await failure(provider.read(unknown, signal()));
      expect(error.code).toBe("SECRET_UNKNOWN");
      expect(error.message).toContain(unknown);
      expect(error.hint).toBeTruthy();
    });

    it("refuses a value that is too large, without any of it in the error", async () => {
      const { provider, plant } = await make();
      const error = await failure(provider.read(await plant("k".repeat(maxSecretBytes + 1)), signal()));
      expect(error.code).toBe("SECRET_TOO_LARGE");
      expect(JSON.stringify([error.message, error.hint])).not.toContain("kkk");
    });

    it("does not begin when it was aborted", async () => {
      const { provider, plant } = await make();
      const address = await plant("value");
      const reason = new Error("enough");
      await expect(provider.read(address, AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it("says that it is down, and not what it last gave (R-102)", async () => {
      const { provider, plant, takeDown } = await make();
      const address = await plant("value");
      await provider.check(signal());
      await provider.read(address, signal());
      await takeDown?.();
      const error = takeDown ? await failure(provider.read(address, signal())) : undefined;
      expect(error?.code ?? "SECRETS_UNAVAILABLE").toBe("SECRETS_UNAVAILABLE");
      expect(error?.message ?? "").not.toContain("value");
    });
  });
}

/** What every own store must do. */
export function ownSecretsConformance(name: string, make: () => OwnSecrets): void {
  const scope = { stack: "shop", environment: "production" };
  describe(`own secrets in ${name}`, () => {
    it("keeps every version, and gives the same value the same version (R-112)", () => {
      const own = make();
      const one = own.write(scope, "KEY", "one");
      const two = own.write(scope, "KEY", "zwei ♫\n");
      expect(own.write(scope, "KEY", "one")).toBe(one);
      expect([own.read(scope, "KEY", one), own.read(scope, "KEY", two)]).toEqual(["one", "zwei ♫\n"]);
    });

    it("keeps environments and names apart", () => {
      const own = make();
      const version = own.write(scope, "KEY", "one");
      expect(() => own.read({ ...scope, environment: "staging" }, "KEY", version)).toThrow(/version/);
      expect(() => own.read(scope, "OTHER", version)).toThrow(/version/);
    });

    it("refuses a value that is too large", () => {
      expect(() => make().write(scope, "KEY", "k".repeat(maxSecretBytes + 1))).toThrow(/too large/);
    });
  });
}
