import { describe, expect, it } from 'vitest';
import { extentOf, linesIn } from './positions';

const RING = [
  [1, 2],
  [5, 2, 30],
  [5, 9],
  [1, 2],
];
const PLAIN = RING.map(([lon, lat]) => [lon, lat]);

describe('the positions of a geometry', () => {
  it.each([
    ['Point', [1, 2], [[[1, 2]]]],
    ['LineString', RING, [PLAIN]],
    ['Polygon', [RING, RING], [PLAIN, PLAIN]],
    ['MultiPolygon', [[RING, RING], [RING]], [PLAIN, PLAIN, PLAIN]],
  ])('come line by line, without heights: %s', (type, coordinates, lines) => {
    expect(linesIn({ type, coordinates })).toEqual(lines);
  });

  it('are none where there is no geometry', () => {
    for (const nothing of [null, undefined, 'POINT(1 2)', {}, { coordinates: null }, { coordinates: [] }]) {
      expect(linesIn(nothing)).toEqual([]);
      expect(extentOf(nothing)).toBeNull();
    }
  });

  it('lie in one box, of many parts too', () => {
    const far = RING.map(([lon = 0, lat = 0]) => [lon - 20, lat + 1]);
    expect(extentOf({ type: 'MultiPolygon', coordinates: [[RING], [far]] })).toEqual([-19, 2, 5, 10]);
    expect(extentOf({ type: 'Point', coordinates: [1, 2] })).toEqual([1, 2, 1, 2]);
  });
});
