/** What of a sector's emissions is shown: all of it, or one carrier, basis or method; as columns that are added. */
import {
  BASES,
  emissionsColumn,
  isOneOf,
  METHODS,
  PARTS,
  type Basis,
  type Part,
  type Sector,
} from './sectors';

/** A column of emissions, of which only a share may count. */
export interface Term {
  readonly column: string;
  readonly share: string | null;
}

/** The parts a sector can be shown by; a carrier that is of one basis everywhere is listed with it. */
export interface PartChoices {
  readonly carriers: readonly string[];
  readonly bases: readonly string[];
  readonly methods: readonly string[];
}

interface CarrierColumn {
  readonly column: string;
  readonly carrier: string;
  readonly basis: Basis;
}

const CARRIER = /^(buildings|transport|forest)_([a-z0-9_]+)_(direct|indirect)_tco2e$/;

/** Sectors of which a collection tells, of those that a sector is the sum of. */
export function sectorsWithin(sector: Sector, columns: readonly string[]): Part[] {
  return PARTS.filter(
    (part) => (sector === 'net' || part === sector) && columns.includes(emissionsColumn(part)),
  );
}

function carrierColumns(sector: Sector, columns: readonly string[]): CarrierColumn[] {
  const within = sectorsWithin(sector, columns);
  return columns.flatMap((column) => {
    const [, part, carrier, basis] = CARRIER.exec(column) ?? [];
    if (!isOneOf(within, part) || carrier === undefined || !isOneOf(BASES, basis)) return [];
    return [{ column, carrier, basis }];
  });
}

/** What the sector can be broken down by with the columns of a collection; a choice of one is none. */
export function partChoices(sector: Sector, columns: readonly string[]): PartChoices {
  const found = carrierColumns(sector, columns);
  const several = <T>(words: readonly T[]): readonly T[] => (words.length > 1 ? words : []);
  const within = sectorsWithin(sector, columns);
  return {
    carriers: several([...new Set(found.map(({ carrier }) => carrier))]),
    bases: several(BASES.filter((basis) => found.some((entry) => entry.basis === basis))),
    methods: several(
      METHODS.filter((method) => within.some((part) => columns.includes(`${part}_${method}_share`))),
    ),
  };
}

/**
 * The terms of a part of a sector.
 *
 * @param part a carrier, basis or method; null: all of the sector
 * @returns null if these columns do not tell this part
 */
export function termsOf(sector: Sector, part: string | null, columns: readonly string[]): Term[] | null {
  if (part === null) return [{ column: emissionsColumn(sector), share: null }];
  const choices = partChoices(sector, columns);
  if (choices.methods.includes(part)) {
    return sectorsWithin(sector, columns).flatMap((within) => {
      const share = `${within}_${part}_share`;
      return columns.includes(share) ? [{ column: emissionsColumn(within), share }] : [];
    });
  }
  if (!choices.carriers.includes(part) && !choices.bases.includes(part)) return null;
  return carrierColumns(sector, columns)
    .filter(({ carrier, basis }) => carrier === part || basis === part)
    .map(({ column }) => ({ column, share: null }));
}

/** The terms as the API's `column` reads them, e.g. `a*b,c`. */
export function writtenTerms(terms: readonly Term[]): string {
  return terms.map(({ column, share }) => (share === null ? column : `${column}*${share}`)).join(',');
}

/** The columns that terms are made of, each once. */
export function columnsOf(terms: readonly Term[]): string[] {
  return [...new Set(terms.flatMap(({ column, share }) => (share === null ? [column] : [column, share])))];
}
