/** Going back so many releases never needs a registry. */
export const defaultKeepLast = 5;

/** One stack and environment, with everything that could still need an image. */
export type ScopeOfImages = {
  stack: string;
  /** In any order. */
  releases: readonly {
    id: string;
    number: number;
    images: Readonly<Record<string, { digest: string; reference: string }>>;
  }[];
  current?: string | undefined;
  /** Kept warm, or wanted by a deployment that is under way. */
  warm: readonly string[];
};

/** Why an image stays; `removable`: nothing speaks for it. */
export type Keeping = "live" | "warm" | "last" | "in use" | "removable";

export type RetainedImage<I> = I & {
  keeping: Keeping;
  /** Numbers of the releases that have it, newest first. */
  releases: readonly number[];
};

type Image = { stack: string; service: string; digest: string; inUse: boolean };

const order: readonly Keeping[] = ["live", "warm", "last", "in use", "removable"];

/**
 * What of the images on a host is kept and why: never removable are those of a current or warm release of any
 * environment, of the last releases, and those that any container uses.
 */
export function retainImages<I extends Image>(
  present: readonly I[],
  scopes: readonly ScopeOfImages[],
  keepLast: number,
): RetainedImage<I>[] {
  const wishes = scopes.flatMap((scope) => wishesOf(scope, keepLast));
  return present.map((image) => {
    const mine = wishes.filter(
      ({ stack, service, digest }) =>
        stack === image.stack && service === image.service && digest === image.digest,
    );
    const reasons = [...mine.map(({ keeping }) => keeping), ...(image.inUse ? ["in use" as const] : [])];
    const keeping = order.find((reason) => reasons.includes(reason)) ?? "removable";
    const releases = [...new Set(mine.map(({ number }) => number))].sort((a, b) => b - a);
    return { ...image, keeping, releases };
  });
}

/** The best reason to keep each digest that any release names, whatever stack and service it is of. */
export function neededDigests(
  scopes: readonly ScopeOfImages[],
  keepLast: number,
): ReadonlyMap<string, Keeping> {
  const needed = new Map<string, Keeping>();
  for (const { digest, keeping } of scopes.flatMap((scope) => wishesOf(scope, keepLast))) {
    const other = needed.get(digest);
    if (other === undefined || order.indexOf(keeping) < order.indexOf(other)) needed.set(digest, keeping);
  }
  return needed;
}

function wishesOf({ stack, releases, current, warm }: ScopeOfImages, keepLast: number) {
  const newest = [...releases].sort((a, b) => b.number - a.number);
  return newest.flatMap(({ id, number, images }, index) => {
    const keeping: Keeping =
      id === current ? "live" : warm.includes(id) ? "warm" : index < keepLast ? "last" : "removable";
    return Object.entries(images).map(([service, { digest }]) => ({
      stack,
      service,
      digest,
      number,
      keeping,
    }));
  });
}
