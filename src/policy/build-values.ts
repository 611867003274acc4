/** What was compiled into an image: its build arguments by name. */
export type BuildValues = Readonly<Record<string, string>>;

type Built = {
  build?: { args?: Readonly<Record<string, string | null>> | undefined } | undefined;
};

/** The build arguments with a value; one without takes the builder's own, which nobody here knows. */
export function buildValuesOf(compose: Built): BuildValues {
  const given = Object.entries(compose.build?.args ?? {});
  return Object.fromEntries(given.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

/**
 * The names whose values differ from what an environment would build in; none: the image may go there.
 * An image may have been built with several sets of values that came to the same bytes: the nearest one counts.
 */
export function differingValues(builtWith: readonly BuildValues[], wanted: BuildValues): string[] {
  const differences = builtWith.map((known) =>
    [...new Set([...Object.keys(known), ...Object.keys(wanted)])]
      .filter((name) => known[name] !== wanted[name])
      .sort(),
  );
  const [nearest = []] = differences.sort((one, other) => one.length - other.length);
  return nearest;
}
