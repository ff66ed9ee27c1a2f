/** What a comparison begins with, and what its two sides are called. */
import { MIDDLE, type Compare } from './compare';
import type { Model } from './model';
import { isOneOf, SECTORS, type Sector } from './sectors';
import type { Texts } from './texts/texts';

/** An edition by the beginning of its id, as people name commits. */
export function editionName(edition: string, t: Texts): string {
  return `${t.edition} ${edition.slice(0, 8)}`;
}

function sectorName(sector: string, t: Texts): string {
  return isOneOf(SECTORS, sector) ? t.sectors[sector] : sector;
}

/** What the first map and the other one show, in the reader's words. */
export function namesOf(
  { by, other }: Compare,
  now: { readonly year: number; readonly sector: Sector; readonly edition: string },
  t: Texts,
): { readonly now: string; readonly other: string } {
  if (by === 'year') return { now: String(now.year), other };
  if (by === 'sector') return { now: t.sectors[now.sector], other: sectorName(other, t) };
  return { now: editionName(now.edition, t), other: editionName(other, t) };
}

/** The same for what the model shows; empty while nothing is compared. */
export function sideNames(model: Model): { readonly now: string; readonly other: string } {
  const compare = model.compare.value;
  const region = model.region.value;
  if (!compare || !region) return { now: '', other: '' };
  return namesOf(
    compare,
    { year: model.year.value ?? 0, sector: model.sector.value, edition: region.edition },
    model.texts.value,
  );
}

/** What a new comparison begins with: the year before, else the year after, else another sector. */
export function firstCompare(model: Model): Compare | null {
  const years = model.region.value?.years ?? [];
  const at = years.indexOf(model.year.value ?? 0);
  const year = years[at - 1] ?? years[at + 1];
  if (year !== undefined) return { how: 'swipe', by: 'year', other: String(year), cut: MIDDLE };
  const sector = (model.active.value?.sectors ?? []).find((one) => one !== model.sector.value);
  return sector === undefined ? null : { how: 'swipe', by: 'sector', other: sector, cut: MIDDLE };
}
