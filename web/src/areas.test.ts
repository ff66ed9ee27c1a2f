import { describe, expect, it } from 'vitest';
import type { Collection } from './api';
import { activeCollection, gridForZoom, gridsOf, metresPerPixel } from './areas';

function collection(id: string, cellSizeM: number | null, minzoom = 0): Collection {
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
    minzoom,
    maxzoom: 14,
  };
}

const ALL = [
  collection('gu', null),
  collection('grid-100m', 100, 11),
  collection('grid-1km', 1000),
  collection('grid-500m', 500),
];

describe('the grid of a zoom', () => {
  it('grows finer as one comes nearer', () => {
    const at = (zoom: number) => gridForZoom(ALL, zoom, 37)?.id;
    expect(at(3)).toBe('grid-1km');
    expect(at(10)).toBe('grid-1km');
    expect(at(11.5)).toBe('grid-500m');
    expect(at(14)).toBe('grid-100m');
  });

  it('waits for the zoom from which tiles are made', () => {
    expect(gridForZoom([collection('a', 1000), collection('b', 500, 13)], 12, 37)?.id).toBe('a');
  });

  it('sorts from coarse to fine', () => {
    expect(gridsOf(ALL).map(({ id }) => id)).toEqual(['grid-1km', 'grid-500m', 'grid-100m']);
  });
});

describe('the collection drawn', () => {
  it('is the one chosen, else automatic, else what there is', () => {
    expect(activeCollection(ALL, 'gu', 12, 37)?.id).toBe('gu');
    expect(activeCollection(ALL, 'gone', 3, 37)?.id).toBe('grid-1km');
    expect(activeCollection([collection('gu', null)], 'auto', 3, 37)?.id).toBe('gu');
    expect(activeCollection([], 'auto', 3, 37)).toBeNull();
  });
});

it('knows how long a pixel is', () => {
  expect(metresPerPixel(0, 0)).toBeCloseTo(78271.517, 2);
  expect(metresPerPixel(10, 60)).toBeCloseTo(78271.517 / 1024 / 2, 3);
});
