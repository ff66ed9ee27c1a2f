import { describe, expect, it } from 'vitest';
import { createApi } from './api';
import { askShapes, boxOf, holds, middleOf, paperFor, type Shape } from './shapes';

const square = (west: number, south: number): Shape => ({
  item: { id: 'a', properties: {}, bbox: [west, south, west + 2, south + 1] },
  rings: [
    [
      [west, south],
      [west + 2, south],
      [west + 2, south + 1],
      [west, south + 1],
      [west, south],
    ],
  ],
});

describe('shapes on paper', () => {
  it('fill the width, with north above', () => {
    const paper = paperFor([0, 0, 2, 1], 100);
    expect(paper.height).toBeCloseTo(50, 1);
    expect(paper.path(square(0, 0))).toBe('M0.0,50.0L100.0,50.0L100.0,0.0L0.0,0.0L0.0,50.0Z');
  });

  it('are narrower in the north, where a degree of longitude is shorter', () => {
    expect(paperFor([0, 59.5, 2, 60.5], 100).height).toBeCloseTo(100, 1);
  });

  it('lose corners that fall together', () => {
    const [ring] = square(0, 0).rings;
    const [first, ...rest] = ring ?? [];
    const shape = { ...square(0, 0), rings: [[first ?? [0, 0], [0.0001, 0] as const, ...rest]] };
    expect(paperFor([0, 0, 2, 1], 100).path(shape)).toBe(paperFor([0, 0, 2, 1], 100).path(square(0, 0)));
  });

  it('hold the points within their outline, and none in a hole', () => {
    const hole = [
      [0.8, 0.4],
      [1.2, 0.4],
      [1.2, 0.6],
      [0.8, 0.6],
      [0.8, 0.4],
    ] as const;
    const whole = square(0, 0);
    const pierced = { ...whole, rings: [...whole.rings, hole] };
    const middle = middleOf([0, 0, 2, 1]);
    expect(middle).toEqual([1, 0.5]);
    expect([holds(whole, middle), holds(pierced, middle)]).toEqual([true, false]);
    expect(holds(pierced, [0.1, 0.5])).toBe(true);
    for (const outside of [
      [-0.1, 0.5],
      [2.1, 0.5],
      [1, 1.1],
      [1, -0.1],
    ] as const)
      expect(holds(whole, outside)).toBe(false);
  });

  it('say where a point lies on the sheet', () => {
    expect(paperFor([0, 0, 2, 1], 100).at([0, 1])).toEqual([0, 0]);
    const [x, y] = paperFor([0, 0, 2, 1], 100).at([2, 0]);
    expect(x).toBeCloseTo(100);
    expect(y).toBeCloseTo(50, 1);
  });

  it('lie in one box', () => {
    expect(boxOf([square(0, 0), square(5, -3)])).toEqual([0, -3, 7, 1]);
    expect(boxOf([])).toBeNull();
  });
});

describe('zones with their outlines', () => {
  it('are asked of one year and edition, and keep holes and parts', async () => {
    let asked = '';
    const ring = [
      [0, 0],
      [2, 0],
      [2, 1],
      [0, 0],
    ];
    const api = createApi('https://map.example/api/', (input) => {
      asked = input instanceof Request ? input.url : input.toString();
      return Promise.resolve(
        Response.json({
          numberMatched: 40,
          features: [
            {
              id: 'a',
              properties: { net_tco2e: 1 },
              geometry: { type: 'MultiPolygon', coordinates: [[ring, ring], [ring]] },
            },
          ],
        }),
      );
    });
    const key = { region: 'demo', edition: '0123456789abcdef', collection: 'sigungu', year: 2023 };
    const result = await askShapes(api, key, ['net_tco2e'], '-net_tco2e', new AbortController().signal);
    expect(asked).toBe(
      'https://map.example/api/demo/collections/sigungu/items?edition=0123456789abcdef&year=2023' +
        '&properties=net_tco2e&sortby=-net_tco2e&limit=200',
    );
    expect(result.ok && result.value.total).toBe(40);
    expect(result.ok && result.value.shapes[0]?.rings.length).toBe(3);
    expect(result.ok && result.value.shapes[0]?.item.bbox).toEqual([0, 0, 2, 1]);
  });
});
