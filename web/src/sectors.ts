/** The words that the map, its address and the API share. */

export const SECTORS = ['net', 'buildings', 'transport', 'forest'] as const;
export type Sector = (typeof SECTORS)[number];
/** The sectors that add up to net. */
export const PARTS = ['buildings', 'transport', 'forest'] as const;
export type Part = (typeof PARTS)[number];

export const UNITS = ['t_per_ha', 't', 't_per_person'] as const;
export type Unit = (typeof UNITS)[number];

/** The languages that are offered. */
export const LANGUAGES = ['en', 'ko', 'uz', 'ru'] as const;
/** And one that only a link can ask for: it shows what was left untranslated (`texts/pseudo.ts`). */
export const LINKED_LANGUAGES = [...LANGUAGES, 'pseudo'] as const;
export type Language = (typeof LINKED_LANGUAGES)[number];

export const METHODS = ['metered', 'modelled', 'default'] as const;
export type Method = (typeof METHODS)[number];

export const BASES = ['direct', 'indirect'] as const;
export type Basis = (typeof BASES)[number];

export function isOneOf<T extends string>(words: readonly T[], word: string | null | undefined): word is T {
  return words.some((known) => known === word);
}

/** Whether a place's `held` speaks of this sector: meters of buildings are protected, counts of vehicles are not. */
export function mayBeHeld(sector: Sector): boolean {
  return sector === 'net' || sector === 'buildings';
}

/** The column of a sector's emissions in tables, tiles and items. */
export function emissionsColumn(sector: Sector): string {
  return `${sector}_tco2e`;
}
