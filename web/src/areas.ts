/** Which collection the map draws: the one chosen, or the grid that suits the zoom. */
import type { Collection } from './api';
import { AUTO } from './state';

/** Cells smaller than this on the screen can be neither told apart nor clicked. */
const SMALLEST_CELL_PX = 11;
const EARTH_CIRCUMFERENCE_M = 40_075_016.686;
const TILE_PX = 512;

/** Ground length of one screen pixel in Web Mercator, m. */
export function metresPerPixel(zoom: number, latitude: number): number {
  return (EARTH_CIRCUMFERENCE_M * Math.cos((latitude * Math.PI) / 180)) / (TILE_PX * 2 ** zoom);
}

/** Grids from coarse to fine. */
export function gridsOf(collections: readonly Collection[]): Collection[] {
  return collections
    .filter(({ kind, cellSizeM }) => kind === 'grid' && cellSizeM !== null)
    .toSorted((a, b) => (b.cellSizeM ?? 0) - (a.cellSizeM ?? 0));
}

/** The finest grid whose cells are still large enough to be seen, else the coarsest. */
export function gridForZoom(
  collections: readonly Collection[],
  zoom: number,
  latitude: number,
): Collection | null {
  const grids = gridsOf(collections);
  const smallest = SMALLEST_CELL_PX * metresPerPixel(zoom, latitude);
  return (
    grids.findLast(({ cellSizeM, minzoom }) => (cellSizeM ?? 0) >= smallest && minzoom <= zoom) ??
    grids[0] ??
    null
  );
}

/** The collection to draw; an id that the region does not have falls back to automatic, then to whatever there is. */
export function activeCollection(
  collections: readonly Collection[],
  area: string,
  zoom: number,
  latitude: number,
): Collection | null {
  const chosen = area === AUTO ? undefined : collections.find(({ id }) => id === area);
  return chosen ?? gridForZoom(collections, zoom, latitude) ?? collections[0] ?? null;
}
