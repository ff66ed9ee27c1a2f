import { describe, expect, it } from 'vitest';
import { boundsOf, isCrossing, outlineInGeoJson, readOutline, writeOutline, type Outline } from './outlines';
import { fitsLink } from './state';

const SQUARE: Outline = [
  [
    [
      [127.1, 37.3],
      [127.12, 37.3],
      [127.12, 37.32],
      [127.1, 37.3],
    ],
    [
      [127.115, 37.305],
      [127.116, 37.305],
      [127.116, 37.306],
      [127.115, 37.305],
    ],
  ],
  [
    [
      [-0.000001, -89.5],
      [179.999999, -89.5],
      [0, 89.999999],
      [-0.000001, -89.5],
    ],
  ],
];

describe('an outline in a link', () => {
  it('comes back as it was, with holes and several polygons', () => {
    expect(readOutline(writeOutline(SQUARE))).toEqual(SQUARE);
  });

  it('is short and of letters that nobody changes', () => {
    const written = writeOutline(SQUARE.slice(0, 1));
    expect(written).toMatch(/^[A-Za-z0-9_.~-]+$/);
    expect(written.length).toBeLessThan(60);
  });

  it('takes some hundred vertices', () => {
    const circle = Array.from({ length: 801 }, (_, index) => {
      const turn = (2 * Math.PI * (index % 800)) / 800;
      return [127 + 0.02 * Math.cos(turn), 37 + 0.02 * Math.sin(turn)] as const;
    });
    expect(fitsLink({ kind: 'outline', outline: writeOutline([[circle]]) })).toBe(true);
  });

  it('drops what is smaller than a decimetre, and a polygon of which nothing is left', () => {
    const tiny: Outline = [
      [
        [
          [1, 1],
          [1.0000001, 1],
          [1, 1.0000001],
          [1, 1],
        ],
      ],
    ];
    expect(writeOutline(tiny)).toBe('');
    expect(writeOutline([...SQUARE, ...tiny])).toBe(writeOutline(SQUARE));
  });

  it.each(['', 'A', 'AAAA', 'zzzzzzzzzzzzzzzz', '.', '~', 'AAAAAA~', 'AAA?AA', '9999999999AAAAAAAAAA'])(
    'is refused if it is %j',
    (written) => {
      expect(readOutline(written)).toBeNull();
    },
  );

  it('knows its bounds', () => {
    expect(boundsOf(SQUARE.slice(0, 1))).toEqual([127.1, 37.3, 127.12, 37.32]);
  });
});

const POLYGON = { type: 'Polygon', coordinates: SQUARE[0] };

describe('a GeoJSON file', () => {
  it.each([
    ['a polygon', POLYGON],
    ['a feature', { type: 'Feature', properties: null, geometry: POLYGON }],
    ['a multipolygon', { type: 'MultiPolygon', coordinates: [SQUARE[0]] }],
    [
      'a collection with other things in it',
      {
        type: 'FeatureCollection',
        crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:OGC:1.3:CRS84' } },
        features: [
          { type: 'Feature', geometry: null },
          { type: 'Feature', geometry: { type: 'Point', coordinates: [1, 2] } },
          { type: 'Feature', geometry: { type: 'GeometryCollection', geometries: [POLYGON] } },
        ],
      },
    ],
  ])('may hold %s', (_, document) => {
    expect(outlineInGeoJson(JSON.stringify(document))).toEqual([SQUARE[0]]);
  });

  it('may have heights, which do not count', () => {
    const high = {
      type: 'Polygon',
      coordinates: SQUARE[0]?.map((ring) => ring.map((one) => [...one, 12.5])),
    };
    expect(outlineInGeoJson(JSON.stringify(high))).toEqual([SQUARE[0]]);
  });

  it.each([
    ['no-json', '{"type": "Polyg'],
    ['no-polygon', 'null'],
    ['no-polygon', '{"type": "Point", "coordinates": [1, 2]}'],
    ['no-polygon', '{"type": "Polygon", "coordinates": [["x"]]}'],
    ['no-polygon', '{"type": "Polygon", "coordinates": []}'],
    [
      'other-crs',
      '{"type": "Polygon", "coordinates": [[[200000, 500000], [200100, 500000], [200100, 500100]]]}',
    ],
    [
      'other-crs',
      JSON.stringify({ ...POLYGON, crs: { properties: { name: 'urn:ogc:def:crs:EPSG::5186' } } }),
    ],
    [
      'too-large',
      JSON.stringify({
        type: 'Polygon',
        coordinates: [Array.from({ length: 10_001 }, (_, i) => [i / 100, 1])],
      }),
    ],
  ])('is refused as %s', (refusal, text) => {
    expect(outlineInGeoJson(text)).toBe(refusal);
  });
});

it('refuses what is nested to break its readers, without breaking', () => {
  const depth = 20_000;
  const nested = '{"type":"GeometryCollection","geometries":['.repeat(depth) + ']}'.repeat(depth);
  expect(outlineInGeoJson(nested)).toBe('no-polygon');
  const crs = '{"properties":'.repeat(depth) + '1' + '}'.repeat(depth);
  expect(outlineInGeoJson(`{"type":"Polygon","coordinates":[],"crs":${crs}}`)).toBe('other-crs');
});

describe('an outline that crosses itself', () => {
  const ring = (...corners: [number, number][]): Outline => [[[...corners, corners[0] ?? [0, 0]]]];

  it('is seen, and one that does not is let be', () => {
    expect(isCrossing(ring([0, 0], [2, 2], [2, 0], [0, 2]))).toBe(true);
    // Touching itself in a corner, and running back along itself.
    expect(isCrossing(ring([0, 0], [2, 0], [1, 1], [2, 2], [0, 2], [1, 1]))).toBe(true);
    expect(isCrossing(ring([0, 0], [4, 0], [4, 2], [2, 2], [2, 0], [1, 0], [1, 2], [0, 2]))).toBe(true);
    expect(isCrossing(ring([0, 0], [2, 0], [1, 2]))).toBe(false);
    expect(isCrossing(ring([0, 0], [4, 0], [4, 4], [2, 1], [0, 4]))).toBe(false);
  });

  it('is found in any ring of any polygon', () => {
    const [sound] = ring([0, 0], [9, 0], [9, 9], [0, 9]);
    const [bow] = ring([1, 1], [2, 2], [2, 1], [1, 2]);
    expect(isCrossing([sound ?? []])).toBe(false);
    expect(isCrossing([sound ?? [], [...(sound ?? []), ...(bow ?? [])]])).toBe(true);
  });
});
