/** Reads the public columns of one item apart: what the card shows, as plain data. */
import type { Properties } from './api';
import type { Statistics } from './questions';
import { interval90 } from './format';
import {
  BASES,
  emissionsColumn,
  isOneOf,
  mayBeHeld,
  METHODS,
  PARTS,
  type Basis,
  type Method,
  type Part,
  type Sector,
} from './sectors';

export interface CarrierPart {
  readonly part: Part;
  readonly carrier: string;
  readonly basis: Basis;
  readonly tco2e: number;
}

export interface SectorPart {
  readonly part: Part;
  /** Null: not known here. */
  readonly tco2e: number | null;
  /** Null: the sector has no such column, or nothing to share out. */
  readonly methods: Readonly<Record<Method, number>> | null;
  readonly coverage: number | null;
  readonly illustrative: boolean;
}

export interface Breakdown {
  readonly tco2e: number | null;
  readonly interval: readonly [low: number, high: number] | null;
  readonly held: boolean;
  readonly areaHa: number | null;
  readonly population: number | null;
  readonly parts: readonly SectorPart[];
  /** Of the chosen sector, or of all for net; largest first, zeros left out. */
  readonly carriers: readonly CarrierPart[];
  /** Whether every carrier of what is chosen is told: one that is withheld leaves the others without a whole. */
  readonly carriersTold: boolean;
}

function numberIn(properties: Properties, column: string): number | null {
  const value = properties[column];
  return typeof value === 'number' ? value : null;
}

function methodsOf(properties: Properties, part: Part): Record<Method, number> | null {
  const shares = METHODS.map((method) => numberIn(properties, `${part}_${method}_share`));
  if (shares.every((share) => share === null || share === 0)) return null;
  const [metered, modelled, byDefault] = shares.map((share) => share ?? 0);
  return { metered: metered ?? 0, modelled: modelled ?? 0, default: byDefault ?? 0 };
}

const CARRIER_COLUMN = /^([a-z]+)_([a-z0-9_]+)_([a-z]+)_tco2e$/;

function carriersOf(properties: Properties, sector: Sector): CarrierPart[] {
  return Object.entries(properties)
    .flatMap(([column, value]) => {
      const [, part, carrier, basis] = CARRIER_COLUMN.exec(column) ?? [];
      if (!isOneOf(PARTS, part) || !isOneOf(BASES, basis) || carrier === undefined) return [];
      if (typeof value !== 'number' || value === 0 || (sector !== 'net' && part !== sector)) return [];
      return [{ part, carrier, basis, tco2e: value }];
    })
    .sort((a, b) => Math.abs(b.tco2e) - Math.abs(a.tco2e));
}

function carriersTold(properties: Properties, sector: Sector): boolean {
  return Object.entries(properties).every(([column, value]) => {
    const [, part, , basis] = CARRIER_COLUMN.exec(column) ?? [];
    const meant = isOneOf(PARTS, part) && isOneOf(BASES, basis) && (sector === 'net' || part === sector);
    return !meant || value !== null || properties[emissionsColumn(part)] === null;
  });
}

export function breakdownOf(properties: Properties, sector: Sector): Breakdown {
  const tco2e = numberIn(properties, emissionsColumn(sector));
  const sd = numberIn(properties, `${sector}_sd_tco2e`);
  return {
    tco2e,
    interval: tco2e !== null && sd !== null && sd > 0 ? interval90(tco2e, sd) : null,
    held: properties.held === true && mayBeHeld(sector),
    areaHa: numberIn(properties, 'area_ha'),
    population: numberIn(properties, 'population'),
    parts: PARTS.filter((part) => emissionsColumn(part) in properties).map((part) => ({
      part,
      tco2e: numberIn(properties, emissionsColumn(part)),
      methods: methodsOf(properties, part),
      coverage: numberIn(properties, `${part}_coverage`),
      illustrative: properties[`${part}_illustrative`] === true,
    })),
    carriers: carriersOf(properties, sector),
    carriersTold: carriersTold(properties, sector),
  };
}

/** The same of an area, from sums over the cells in it. */
export function breakdownOfSum(statistics: Statistics, sector: Sector): Breakdown {
  const chosen = statistics.sectors.find((one) => one.sector === sector);
  const parts = statistics.sectors.flatMap((one) =>
    isOneOf(PARTS, one.sector) ? [{ ...one, part: one.sector }] : [],
  );
  const meant = parts.filter(({ part }) => sector === 'net' || part === sector);
  return {
    tco2e: chosen?.tco2e ?? null,
    interval: chosen?.interval ?? null,
    held: statistics.held > 0 && mayBeHeld(sector),
    areaHa: statistics.drawnHa ?? statistics.areaHa,
    population: statistics.population,
    parts: parts.map(({ part, tco2e, methods, coverage, illustrative }) => ({
      part,
      tco2e,
      methods,
      coverage,
      illustrative,
    })),
    carriers: meant
      .flatMap(({ part, carriers }) =>
        carriers.flatMap(({ carrier, basis, tco2e }) =>
          isOneOf(BASES, basis) && tco2e !== null && tco2e !== 0 ? [{ part, carrier, basis, tco2e }] : [],
        ),
      )
      .sort((a, b) => Math.abs(b.tco2e) - Math.abs(a.tco2e)),
    carriersTold: meant.every(({ carriers }) => carriers.every(({ tco2e }) => tco2e !== null)),
  };
}
