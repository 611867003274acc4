/** The known name that was probably meant, or undefined when none is close (more than a third of it differs). */
export function suggest(wrong: string, known: readonly string[]): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase());
    if (best === undefined || distance < best.distance) best = { name, distance };
  }
  if (best === undefined) return undefined;
  const close = Math.max(1, Math.ceil(Math.max(wrong.length, best.name.length) / 3));
  return best.distance <= close ? best.name : undefined;
}

/** One hint line: the likely name, else the whole choice. */
export function suggestionHint(wrong: string, known: readonly string[], what: string): string {
  const likely = suggest(wrong, known);
  if (likely !== undefined) return `Did you mean ${likely}?`;
  return known.length === 0 ? `There is no ${what} yet.` : `Known: ${known.join(", ")}.`;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  const cell = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(cell(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, cell(i - 1, j - 1) + change);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, cell(i - 2, j - 2) + 1);
      row.push(least);
    }
  }
  return cell(a.length, b.length);
}
