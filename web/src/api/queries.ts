import {
  QueryClient,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type Answer, ApiFailure, type CallInput, call, type Route } from "./client.ts";

/** What was not asked again for this long is asked again when it is shown. */
const freshMs = 2000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: freshMs,
      // A refusal stays one; only a control plane that is away is asked again.
      retry: (count, error) => error instanceof ApiFailure && error.status === 0 && count < 2,
    },
  },
});

export type Asked<R extends Route> = Pick<CallInput<R>, "params" | "query"> & {
  /** Asks again this often while the page is visible. */
  everyMs?: number;
  enabled?: boolean;
  /** Shows the answer before while another one is on its way. */
  keep?: boolean;
};

/** An answer of the API, kept up to date: by `everyMs`, and by the events of live.ts. */
export function useApi<R extends Route>(
  route: R,
  asked: Asked<R> = {},
): UseQueryResult<Answer<R>, ApiFailure> {
  const { params, query, everyMs, enabled, keep } = asked;
  return useQuery<Answer<R>, ApiFailure>({
    queryKey: [route, params ?? {}, query ?? {}],
    queryFn: ({ signal }) => call(route, { params, query, signal } as CallInput<R>),
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(keep ? { placeholderData: (before: Answer<R> | undefined) => before as never } : {}),
  });
}

/** A change through the API; everything shown is asked again after it. */
export function useChange<R extends Route>(route: R): UseMutationResult<Answer<R>, ApiFailure, CallInput<R>> {
  const client = useQueryClient();
  return useMutation<Answer<R>, ApiFailure, CallInput<R>>({
    mutationFn: (input) => call(route, input),
    onSuccess: () => client.invalidateQueries(),
  });
}
