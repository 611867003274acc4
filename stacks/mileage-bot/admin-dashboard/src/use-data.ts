import { useCallback, useEffect, useState } from "react";
import { ApiError, ask } from "./api.ts";

export type Loaded<T> =
  | { state: "loading" }
  | { state: "signed-out" }
  | { state: "failed"; message: string }
  | { state: "ready"; data: T };

/** Loads one address; `reload` asks again and keeps what is shown meanwhile. */
export function useData<T>(path: string): [Loaded<T>, () => Promise<void>] {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "loading" });
  const reload = useCallback(async () => {
    try {
      setLoaded({ state: "ready", data: await ask<T>(path) });
    } catch (error) {
      setLoaded(failureOf(error));
    }
  }, [path]);
  useEffect(() => {
    void reload();
  }, [reload]);
  return [loaded, reload];
}

export function failureOf(error: unknown): { state: "signed-out" } | { state: "failed"; message: string } {
  if (error instanceof ApiError && error.status === 401) return { state: "signed-out" };
  return { state: "failed", message: error instanceof Error ? error.message : String(error) };
}
