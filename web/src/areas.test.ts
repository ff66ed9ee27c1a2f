import { describe, expect, it } from 'vitest';
import type { Collection } from './api';
import { activeCollection, gridForZoom, gridsOf } from './areas';

function collection(
  id: string,
  cellSizeM: number | null,
  autoZooms: readonly [number, number] | null = null,
): Collection {
  return {
    id,
    title: {},
    kind: cellSizeM === null ? 'zones' : 'grid',
    zoneKind: null,
    parent: null,
    cellSizeM,
    years: [2023],
    sectors: [],
    columns: [],
    count: 1,
    minzoom: 0,
    maxzoom: 14,
    autoZooms,
  };
}

const ALL = [
  collection('gu', null),
  collection('grid-100m', 100, [13, 16]),
  collection('grid-1km', 1000, [6, 9]),
  collection('grid-500m', 500, [10, 12]),
];

describe('the grid of a zoom', () => {
  it('is the one that the server draws in the tiles of that zoom', () => {
    const at = (zoom: number) => gridForZoom(ALL, zoom)?.id;
    expect([9, 9.99, 10, 12.99, 13, 16].map(at)).toEqual([
      'grid-1km',
      'grid-1km',
      'grid-500m',
      'grid-500m',
      'grid-100m',
      'grid-100m',
    ]);
  });

  it('beyond the first and the last band is theirs', () => {
    expect(gridForZoom(ALL, 2)?.id).toBe('grid-1km');
    expect(gridForZoom(ALL, 18)?.id).toBe('grid-100m');
  });

  it('is never one that the server leaves out', () => {
    const fine = collection('grid-50m', 50);
    expect(gridForZoom([...ALL, fine], 18)?.id).toBe('grid-100m');
    expect(gridForZoom([fine], 18)).toBeNull();
  });

  it('is found among grids from coarse to fine', () => {
    expect(gridsOf(ALL).map(({ id }) => id)).toEqual(['grid-1km', 'grid-500m', 'grid-100m']);
  });
});

describe('the collection drawn', () => {
  it('is the one chosen, else automatic, else what there is', () => {
    expect(activeCollection(ALL, 'gu', 12)?.id).toBe('gu');
    expect(activeCollection(ALL, 'gone', 3)?.id).toBe('grid-1km');
    expect(activeCollection([collection('gu', null)], 'auto', 3)?.id).toBe('gu');
    expect(activeCollection([], 'auto', 3)).toBeNull();
  });
});
