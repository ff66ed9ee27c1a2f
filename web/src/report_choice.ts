/** Of which zones a report speaks, and in which grid it names hot spots. */
import type { Collection } from './api';
import { MOST_SHAPES } from './shapes';
import { MOST_ITEMS } from './state';

/** Rows that a reader still takes in. */
const FITS_A_TABLE = 60;

/** The zones that a plan speaks of: the finest administrative set that fits a table, else any zones. */
export function reportZones(collections: readonly Collection[], asked: string): Collection | null {
  const zones = collections.filter(({ kind, count }) => kind === 'zones' && count <= MOST_ITEMS);
  const administrative = zones.filter(({ zoneKind }) => zoneKind === 'administrative');
  const candidates = administrative.length > 0 ? administrative : zones;
  return (
    zones.find(({ id }) => id === asked) ??
    candidates.toSorted((a, b) => b.count - a.count).find(({ count }) => count <= FITS_A_TABLE) ??
    candidates[0] ??
    null
  );
}

/** The zones of which the small maps are drawn, and by which places are named: the finest that fit a small map. */
export function mapZones(collections: readonly Collection[]): Collection | null {
  const zones = collections.filter(({ kind, count }) => kind === 'zones' && count <= MOST_SHAPES);
  const administrative = zones.filter(({ zoneKind }) => zoneKind === 'administrative');
  const candidates = administrative.length > 0 ? administrative : zones;
  return candidates.toSorted((a, b) => b.count - a.count)[0] ?? null;
}

/**
 * The zones of which the region's own sums are made: the fewest there are. The interval of a sum is an upper bound, and
 * the fewer parts it has the nearer it is to the truth.
 */
export function wholeZones(collections: readonly Collection[]): Collection | null {
  const zones = collections.filter(({ kind, count }) => kind === 'zones' && count <= MOST_ITEMS);
  const administrative = zones.filter(({ zoneKind }) => zoneKind === 'administrative');
  const candidates = administrative.length > 0 ? administrative : zones;
  return candidates.toSorted((a, b) => a.count - b.count)[0] ?? null;
}

/** The grid in which hot spots are named: near 500 m, so that a cell is a neighbourhood. */
export function reportGrid(collections: readonly Collection[]): Collection | null {
  const distance = (size: number | null) => Math.abs(Math.log((size ?? 1) / 500));
  return (
    collections
      .filter(({ kind, cellSizeM }) => kind === 'grid' && cellSizeM !== null)
      .toSorted((a, b) => distance(a.cellSizeM) - distance(b.cellSizeM))[0] ?? null
  );
}
