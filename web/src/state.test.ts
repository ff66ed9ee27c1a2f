import { describe, expect, it } from 'vitest';
import { DAMAGED, DEFAULT_VIEW, fitsLink, formatView, isStep, parseView, type View } from './state';

const FULL: View = {
  region: 'demo',
  edition: '0123456789abcdef',
  sector: 'forest',
  year: 2022,
  unit: 't_per_person',
  area: 'grid-100m',
  camera: { zoom: 12.5, lat: 37.34567, lon: -127.07123 },
  lang: 'ko',
  selected: { collection: 'grid-100m', id: '다사644437' },
  receipt: true,
  table: '-net_tco2e',
  measured: { kind: 'items', collection: 'sigungu', ids: ['90003', '90004'] },
  compare: { how: 'swipe', by: 'year', other: '2019', cut: 30 },
  pair: '다사645437',
  page: 'about',
  scenarios: null,
  scenario: 0,
  scenarioMap: 'change',
  scenarioCut: 50,
  plan: null,
  part: 'electricity',
  breaks: 'jenks',
  mark: 'method',
  base: false,
  doubt: 'fade',
  tall: true,
  opacity: 60,
  ground: 'dark',
  only: { low: -2.5, high: null },
};

describe('the address', () => {
  it('is empty for the default view', () => {
    expect(formatView(DEFAULT_VIEW)).toBe('');
    expect(parseView('')).toEqual(DEFAULT_VIEW);
  });

  it('carries everything and back', () => {
    expect(parseView(formatView(FULL))).toEqual(FULL);
  });

  it('carries ids with slashes, ampersands and spaces', () => {
    for (const id of ['a/b', 'x&sector=net', 'Old Town #2', 'CRS32642RES100mN4400000E500000', '%2F']) {
      const view = { ...FULL, selected: { collection: 'districts', id } };
      expect(parseView(formatView(view))).toEqual(view);
    }
  });

  it('carries an outline, and leaves out one that is too long for a link', () => {
    const measured = { kind: 'outline', outline: '_AbC-9.x~zz' } as const;
    expect(parseView(formatView({ ...FULL, measured })).measured).toEqual(measured);
    const long = { kind: 'outline', outline: 'a'.repeat(8001) } as const;
    expect(fitsLink(long)).toBe(false);
    expect(parseView(formatView({ ...FULL, measured: long })).measured).toBeNull();
  });

  it('carries scenarios and which of them is in sight, and leaves out what is too long for a link', () => {
    const view = {
      ...FULL,
      compare: null,
      scenarios: ['eyJ5ZWFyIjoyMDQwfQ', '~0123456789abcdefghijkl~2'],
      scenario: 1,
      scenarioMap: 'swipe' as const,
    };
    expect(formatView(view)).toContain('scenario=eyJ5ZWFyIjoyMDQwfQ.~0123456789abcdefghijkl~2&scenario-at=2');
    expect(parseView(formatView(view))).toEqual(view);
    expect(parseView(formatView({ ...view, scenarios: ['a'.repeat(8001)] })).scenarios).toBeNull();
    expect(parseView('?scenario=').scenarios).toEqual(['']);
    expect(parseView('?scenario=a.b.c.d').scenarios).toEqual([DAMAGED]);
    expect(parseView(`?scenario=${'a'.repeat(8001)}`).scenarios).toEqual([DAMAGED]);
    expect(parseView('?scenario=eyJ5%20.~0123456789abcdefghijkl~2').scenarios).toEqual([
      DAMAGED,
      '~0123456789abcdefghijkl~2',
    ]);
    expect(parseView('?scenario=a.b&scenario-at=7').scenario).toBe(0);
  });

  it('gives the map to a scenario where a link asks for a comparison too', () => {
    expect(parseView('?scenario=&vs=swipe/year/2019').compare).toBeNull();
  });

  it('keeps no receipt without a place', () => {
    expect(parseView(formatView({ ...FULL, selected: null })).receipt).toBe(false);
  });

  it('rounds the camera to about a metre', () => {
    const view = parseView(
      formatView({ ...FULL, camera: { zoom: 11.123456, lat: 1.23456789, lon: 9.87654321 } }),
    );
    expect(view.camera).toEqual({ zoom: 11.12, lat: 1.23457, lon: 9.87654 });
  });

  it.each([
    'sector=plants',
    'unit=kg',
    'year=abc',
    'year=20233',
    'lang=tlh',
    'at=12/91/0',
    'at=12/1',
    'at=//',
    'at=a/b/c',
    'at=99/0/0',
    'region=../../etc',
    'area=a%20b',
    'sel=',
    'sel=grid-1km',
    'sel=grid-1km/',
    `sel=grid-1km/${'x'.repeat(500)}`,
    'sel=%3Cscript%3E/1',
    'why=yes',
    'table=net%20tco2e',
    'outline=a%20b',
    'outline=%3Cscript%3E',
    'sum=sigungu',
    'sum=sigungu/,,',
    'part=Gas!',
    'breaks=magic',
    'doubt=1',
    'opacity=3',
    'opacity=900',
    'ground=beige',
    'only=5',
    'only=~',
    'only=9~3',
    'only=x~y',
    'unknown=1',
  ])('falls back on %s', (query) => {
    expect(parseView(`?${query}`)).toEqual(DEFAULT_VIEW);
  });

  it('keeps what is sound beside what is not', () => {
    expect(parseView('?sector=forest&year=never')).toEqual({ ...DEFAULT_VIEW, sector: 'forest' });
  });
});

describe('a step of the back button', () => {
  it('is any choice, but no camera move', () => {
    expect(isStep(FULL, { ...FULL, sector: 'net' })).toBe(true);
    expect(isStep(FULL, { ...FULL, selected: null })).toBe(true);
    expect(isStep(FULL, { ...FULL, opacity: 30 })).toBe(false);
    expect(isStep(FULL, { ...FULL, camera: { zoom: 3, lat: 0, lon: 0 } })).toBe(false);
  });
});
