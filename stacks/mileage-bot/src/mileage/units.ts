export type Unit = "km" | "mi";

const metres: Readonly<Record<Unit, number>> = { km: 1000, mi: 1609.344 };

export function toMetres(distance: number, unit: Unit): number {
  return Math.round(distance * metres[unit]);
}

/** `12.5 km`; two decimals at most. */
export function renderDistance(distanceM: number, unit: Unit): string {
  return `${trim((distanceM / metres[unit]).toFixed(2))} ${unit}`;
}

/** What the distance is worth at a rate of cents a unit, e.g. `3.75 EUR`. */
export function renderAmount(distanceM: number, unit: Unit, rateCents: number, currency: string): string {
  return `${(Math.round((distanceM / metres[unit]) * rateCents) / 100).toFixed(2)} ${currency}`;
}

function trim(text: string): string {
  return text.replace(/\.?0+$/, "");
}
