import { describe, expect, it } from 'vitest';
import { DAMAGED } from '../state';
import {
  areaOf,
  drawnPlaces,
  freshId,
  givenFor,
  placeOf,
  questionOf,
  readSlot,
  scenarioFrom,
  withMeasure,
  withoutMeasure,
  withParameter,
  writeSlot,
  type Scenario,
} from './document';

const FRESH: Scenario = { year: 2040, measures: [] };
const RING = [
  [127.1, 37.5],
  [127.12, 37.5],
  [127.12, 37.52],
  [127.1, 37.5],
] as const;
const PLAN: Scenario = {
  year: 2035,
  name: '잠실 계획',
  target: { reduction: 0.3 },
  measures: [
    { id: 'r', kind: 'retrofit', level: 0.4, area: { polygon: [RING] } },
    { id: 'g', kind: 'growth', form: 'compact', people: 1200 },
    { id: 'road', kind: 'road_closure', roads: ['12', '13'], area: { collection: 'dong', ids: ['1', '2'] } },
  ],
};

describe('a scenario in a link', () => {
  it('comes back whole, with what the page has no sliders for and names in any script', () => {
    const written = writeSlot({ scenario: PLAN, saved: null }, false);
    expect(written).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(readSlot(written, FRESH)).toEqual({ scenario: PLAN, saved: null });
  });

  it('is the kept one by its id alone while nothing is changed, and both once something is', () => {
    const saved = { id: '0123456789abcdefghijkl', version: 3 };
    expect(writeSlot({ scenario: PLAN, saved }, true)).toBe('~0123456789abcdefghijkl~3');
    expect(readSlot('~0123456789abcdefghijkl~3', FRESH)).toEqual({ scenario: null, saved });
    expect(readSlot(writeSlot({ scenario: PLAN, saved }, false), FRESH)).toEqual({ scenario: PLAN, saved });
  });

  it('is a new one where nothing is written, and nothing where it cannot be read', () => {
    expect(readSlot('', FRESH)).toEqual({ scenario: FRESH, saved: null });
    for (const written of [
      '%%%',
      'abc',
      DAMAGED,
      'eyJ5ZWFy',
      '~short~1',
      '~0123456789abcdefghijkl~x',
      'a~b~c~d',
    ])
      expect(readSlot(written, FRESH), written).toBeNull();
  });

  it('is not read with an outline that is broken, which would act everywhere', () => {
    const broken = btoa(
      JSON.stringify({
        ...PLAN,
        name: '',
        measures: [{ id: 'r', kind: 'retrofit', area: { polygon: 'A' } }],
      }),
    );
    expect(readSlot(broken.replaceAll('=', ''), FRESH)).toBeNull();
  });
});

describe('a scenario from a file', () => {
  it('needs a year, and measures with ids of their own', () => {
    expect(scenarioFrom({ year: 2040 })).toEqual(FRESH);
    for (const given of [
      null,
      [],
      { measures: [] },
      { year: 20.5 },
      { year: 1066 },
      { year: 2040, measures: {} },
      { year: 2040, measures: [{ id: 'a' }] },
      {
        year: 2040,
        measures: [
          { id: 'a', kind: 'park' },
          { id: 'a', kind: 'park' },
        ],
      },
      { year: 2040, measures: [{ id: 'a', kind: 'park', area: { polygon: [[['a', 1]]] } }] },
      { year: 2040, measures: [{ id: 'a', kind: 'park', area: { collection: 'dong' } }] },
      { year: 2040, measures: [{ id: 'a', kind: 'park', area: { polygon: [] } }] },
      { year: 2040, measures: [{ id: 'a', kind: 'park', area: { polygon: [[[Infinity, 1]]] } }] },
      { year: 2040, name: 5 },
    ])
      expect(scenarioFrom(given), JSON.stringify(given)).toBeNull();
  });

  it('loses heights, which a link does not carry', () => {
    const given = { polygon: [RING.map(([lon, lat]) => [lon, lat, 40])] };
    const found = scenarioFrom({ year: 2040, measures: [{ id: 'a', kind: 'park', area: given }] });
    expect(found?.measures[0]?.area).toEqual({ polygon: [RING] });
  });

  it('takes null for nothing where an area may stand', () => {
    expect(scenarioFrom({ year: 2040, measures: [{ id: 'a', kind: 'park', area: null }] })?.measures).toEqual(
      [{ id: 'a', kind: 'park' }],
    );
  });
});

describe('what was drawn', () => {
  it('is areas, lines and stops, those of today among them; what is no place is left out', () => {
    const line = [
      [127.1, 37.5],
      [127.2, 37.6],
    ] as const;
    const drawn = drawnPlaces({
      year: 2040,
      stops: [[127, 37], 'x'],
      measures: [
        { id: 'r', kind: 'retrofit', area: { polygon: [RING] } },
        { id: 'z', kind: 'park', area: { collection: 'dong', ids: ['1'] } },
        { id: 'n', kind: 'new_road', line },
        { id: 't', kind: 'transit_stops', stops: [[127.3, 37.3]] },
      ],
    });
    expect(drawn).toEqual([
      { type: 'Point', coordinates: [127, 37] },
      { type: 'Polygon', coordinates: [RING] },
      { type: 'LineString', coordinates: line },
      { type: 'Point', coordinates: [127.3, 37.3] },
    ]);
  });
});

describe('changing a scenario', () => {
  it('adds, replaces in place and removes', () => {
    const added = withMeasure(PLAN, { id: freshId(PLAN, 'park'), kind: 'park', hectares: 3 });
    expect(added.measures.at(-1)).toEqual({ id: 'park-1', kind: 'park', hectares: 3 });
    expect(withoutMeasure(added, 'park-1')).toEqual(PLAN);
    const moved = withMeasure(PLAN, { id: 'r', kind: 'retrofit', level: 0.9 });
    expect(moved.measures.map(({ id }) => id)).toEqual(['r', 'g', 'road']);
    expect(freshId({ ...PLAN, measures: [{ id: 'park-1', kind: 'park' }] }, 'park')).toBe('park-2');
  });

  it('gives a parameter, and its default back without a trace', () => {
    const plain = { id: 'r', kind: 'retrofit', level: 0.4 };
    const given = withParameter(plain, 'retrofit.saving', 0.25);
    expect(givenFor(given, 'retrofit.saving')).toBe(0.25);
    expect(withParameter(given, 'retrofit.saving', null)).toEqual(plain);
    expect(
      givenFor({ ...plain, parameters: { 'retrofit.saving': [0.3, 0.2, 0.4] } }, 'retrofit.saving'),
    ).toBe(0.3);
  });

  it('writes an area as it was drawn, and reads it as the page’s own', () => {
    const [retrofit] = PLAN.measures;
    const place = retrofit ? placeOf(retrofit) : null;
    expect(place?.kind).toBe('outline');
    expect(areaOf(place)).toEqual({ polygon: [RING] });
    expect(areaOf({ kind: 'items', collection: 'dong', ids: ['1'] })).toEqual({
      collection: 'dong',
      ids: ['1'],
    });
    expect(areaOf(null)).toBeUndefined();
  });

  it('asks nothing anew for another name', () => {
    expect(questionOf({ ...PLAN, name: 'other' })).toBe(questionOf(PLAN));
    expect(questionOf({ ...PLAN, year: 2036 })).not.toBe(questionOf(PLAN));
  });
});
