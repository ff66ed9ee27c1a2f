import { describe, expect, it } from 'vitest';
import { groundHa } from './ground_area';
import { fitted, fresh, gapsOf, inOrder, parametersOf, roundStep, sharedBy } from './kinds';
import type { Catalogue, Parameter, Place } from './questions';
import { changeScale, roundNumber } from './scale';

const SQUARE = {
  type: 'Polygon' as const,
  coordinates: [
    [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
      [0, 0],
    ],
  ],
};

function place(before: number, change: number): Place {
  const properties = { id: String(before), net_before_tco2e: before, net_change_tco2e: change, area_ha: 1 };
  return { id: properties.id, geometry: SQUARE, properties };
}

describe('classes of change', () => {
  const today = Array.from({ length: 100 }, (_, index) => index + 1);

  it('are mirrored about zero and rise', () => {
    const scale = changeScale(
      today.map((one) => place(one, 0)),
      'net',
      'light',
    );
    const froms = scale?.classes.map(({ from }) => from) ?? [];
    expect(froms[0]).toBeNull();
    expect(froms.slice(1).toSorted((a, b) => Number(a) - Number(b))).toEqual(froms.slice(1));
    const bounds = scale?.classes.flatMap(({ from }) => (from === null || from === 0 ? [] : [from])) ?? [];
    expect(bounds.filter((one) => one > 0)).toEqual(
      bounds
        .filter((one) => one < 0)
        .map((one) => -one)
        .toReversed(),
    );
  });

  it('stay while a slider moves, and follow what is emitted today', () => {
    const scaleOf = (change: number, size = 1) =>
      changeScale(
        today.map((one) => place(one * size, change)),
        'net',
        'light',
      );
    expect(scaleOf(-50)).toEqual(scaleOf(-0.01));
    expect(scaleOf(0, 1000)).not.toEqual(scaleOf(0));
  });

  it('are those of net where a sector has nothing today, and none where nothing is known', () => {
    expect(changeScale([place(10, 1)], 'forest', 'light')).toEqual(
      changeScale([place(10, 1)], 'net', 'light'),
    );
    expect(changeScale([], 'net', 'dark')).toBeNull();
  });

  it('begin at round numbers', () => {
    expect([0.0031, 0.7, 1.6, 3.5, 80, 1234].map(roundNumber)).toEqual([0.002, 0.5, 2, 5, 100, 1000]);
  });
});

it('tells the ground of a polygon, less its holes', () => {
  // A degree square at the equator: 111.19 km by 111.19 km on the sphere, a little less to the north.
  expect(groundHa(SQUARE)).toBeCloseTo(1_236_400, -4);
  const hole = [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.75, 0.75],
    [0.25, 0.75],
    [0.25, 0.25],
  ];
  expect(groundHa({ ...SQUARE, coordinates: [...SQUARE.coordinates, hole] }) / groundHa(SQUARE)).toBeCloseTo(
    0.75,
    4,
  );
});

describe('measures', () => {
  const gap: Parameter = {
    id: 'ev.lgv',
    meaning: '',
    unit: '',
    value: null,
    minimum: 0,
    maximum: 1,
    range: null,
    source: null,
    confidence: 'none',
    status: 'gap',
    note: null,
  };
  const catalogue: Catalogue = {
    stages: ['form', 'demand', 'switch', 'supply'],
    kinds: {
      electric_vehicles: {
        stage: 'switch',
        about: '',
        unit: '',
        long: false,
        parameters: ['ev.car', 'ev.lgv'],
        shared: [],
      },
      rooftop_pv: { stage: 'supply', about: '', unit: '', long: false, parameters: [], shared: [] },
      growth: {
        stage: 'form',
        about: '',
        unit: '',
        long: false,
        parameters: ['forms.nearness', 'forms.sprawl_quantile'],
        shared: ['access.smoothing', 'access.smoothing'],
      },
    },
    parameters: {
      'ev.lgv': gap,
      'ev.car': { ...gap, id: 'ev.car', value: 0.2, status: 'found' },
      ...Object.fromEntries(
        ['forms.nearness', 'forms.sprawl_quantile', 'access.smoothing'].map((id) => [id, { ...gap, id }]),
      ),
    },
    most: 20,
    stops: 0,
  };

  it('ask only what their own choices need, until it is given', () => {
    const cars = fresh('electric_vehicles', 'e', undefined);
    expect(gapsOf(cars, catalogue, undefined)).toEqual([]);
    const vans = { ...cars, vehicles: ['car', 'lgv'] };
    expect(gapsOf(vans, catalogue, undefined)).toEqual([gap]);
    expect(gapsOf({ ...vans, parameters: { 'ev.lgv': 0.3 } }, catalogue, undefined)).toEqual([]);
    expect(gapsOf(vans, catalogue, { 'ev.lgv': 0.3 })).toEqual([]);
  });

  it('ask of a form what that form reads, and once what all measures share', () => {
    const grown = (form: string): string[] =>
      parametersOf({ id: form, kind: 'growth', form }, catalogue).map(({ id }) => id);
    expect(grown('monocentric')).toEqual(['forms.nearness']);
    expect(grown('sprawl')).toEqual(['forms.sprawl_quantile']);
    expect(grown('trend')).toEqual([]);
    const two = [fresh('density', 'a', undefined), fresh('density', 'b', undefined)];
    expect(sharedBy(two, catalogue).map(({ id }) => id)).toEqual(['access.smoothing']);
    expect(sharedBy([fresh('rooftop_pv', 'c', undefined)], catalogue)).toEqual([]);
  });

  it('stand in the order in which they act, whatever order they came in', () => {
    const kinds = ['rooftop_pv', 'electric_vehicles', 'growth'] as const;
    const given = kinds.map((kind) => fresh(kind, kind, undefined));
    expect(inOrder(given, catalogue).map(({ kind }) => kind)).toEqual(kinds.toReversed());
  });

  it('hold in the whole region where the measure must', () => {
    const area = { collection: 'dong', ids: ['1'] };
    expect(fresh('electricity_factor', 'f', area).area).toBeUndefined();
    expect(fresh('park', 'p', area).area).toEqual(area);
  });

  it('move as far as the place is large, and as far as the value given', () => {
    const knob = { field: 'people', low: 0, high: 0, step: 1, start: 0, as: 'number' } as const;
    expect(fitted(knob, 0, 39_000)).toMatchObject({ low: 0, high: 19_600, step: 200 });
    expect(fitted({ ...knob, high: 100 }, 250, null).high).toBe(250);
    expect([0, 39_000, 700_000].map(roundStep)).toEqual([1, 200, 5000]);
  });
});
