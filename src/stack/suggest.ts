/** The known word that a mistyped one most likely means: at most a third of its letters differ. */
export function suggest(typed: string, known: Iterable<string>): string | undefined {
  let best: { word: string; distance: number } | undefined;
  const plain = (word: string) => word.toLowerCase().replaceAll(/[-_]/g, "");
  for (const word of known) {
    const distance = editDistance(plain(typed), plain(word));
    if (distance <= Math.max(1, word.length / 3) && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { word, distance };
    }
  }
  return best?.word;
}

/** Inserted, removed and replaced letters between two words (Levenshtein); long input is cut, it is no typing error. */
function editDistance(first: string, second: string): number {
  const a = first.slice(0, 64);
  const b = second.slice(0, 64);
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
