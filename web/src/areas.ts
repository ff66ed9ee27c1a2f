/** Which collection the map draws: the one chosen, or the grid that suits the zoom. */
import type { Collection } from './api';
import { AUTO } from './state';

/** A map that was led to zoom 13 may stand a trifle before it. */
const ROUNDING = 1e-6;

/** Grids from coarse to fine. */
export function gridsOf(collections: readonly Collection[]): Collection[] {
  return collections
    .filter(({ kind, cellSizeM }) => kind === 'grid' && cellSizeM !== null)
    .toSorted((a, b) => (b.cellSizeM ?? 0) - (a.cellSizeM ?? 0));
}

/** The grid whose cells the server draws at a zoom, see `auto_zooms` of its collections; nearer or farther the nearest. */
export function gridForZoom(collections: readonly Collection[], zoom: number): Collection | null {
  const banded = gridsOf(collections).filter(({ autoZooms }) => autoZooms !== null);
  // Between two whole zooms the map enlarges the tiles of the lower one.
  const band = Math.floor(zoom + ROUNDING);
  return banded.findLast(({ autoZooms }) => (autoZooms?.[0] ?? 0) <= band) ?? banded[0] ?? null;
}

/** The collection to draw; an id that the region does not have falls back to automatic, then to whatever there is. */
export function activeCollection(
  collections: readonly Collection[],
  area: string,
  zoom: number,
): Collection | null {
  const chosen = area === AUTO ? undefined : collections.find(({ id }) => id === area);
  return chosen ?? gridForZoom(collections, zoom) ?? collections[0] ?? null;
}
