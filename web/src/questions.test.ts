import { describe, expect, it } from 'vitest';
import { createApi, type Collection, type TableKey } from './api';
import { breakdownOfSum } from './breakdown';
import { askAncestors, depthOf } from './lineage';
import { askAssumptions, askPlaces, askStanding, askStatistics } from './questions';
import { askReceipt, assumptionsOf } from './receipts';

const KEY: TableKey = { region: 'demo', edition: 'ab', collection: 'dong', year: 2024 };
const CANCEL = new AbortController().signal;

/** A client whose server answers by path, and the requests it saw. */
function answering(answers: Readonly<Record<string, unknown>>) {
  const seen: { address: string; init: RequestInit | undefined }[] = [];
  const api = createApi('http://x/api/', (input, init) => {
    const address = (input instanceof Request ? input.url : input.toString()).replace('http://x/api/', '');
    seen.push({ address, init });
    const found = Object.entries(answers).find(([path]) => address.startsWith(path));
    return Promise.resolve(
      new Response(JSON.stringify(found?.[1] ?? { detail: 'none' }), { status: found ? 200 : 404 }),
    );
  });
  return { api, seen };
}

function zoneSet(id: string, parent: string | null, kind: Collection['kind'] = 'zones'): Collection {
  return {
    id,
    title: {},
    kind,
    zoneKind: kind === 'zones' ? 'administrative' : null,
    parent,
    cellSizeM: null,
    years: [2024],
    sectors: [],
    columns: [],
    count: 1,
    minzoom: 0,
    maxzoom: 14,
    autoZooms: null,
  };
}

const STATISTICS = {
  collection: 'grid-100m',
  year: 2024,
  rows: 9,
  partly: 4,
  held: 1,
  area_ha: 8.9,
  drawn_ha: 9,
  population: null,
  sectors: [
    {
      sector: 'buildings',
      tco2e: 10,
      unknown: 0,
      interval_90: [8, 12],
      by_carrier: [
        { carrier: 'gas', basis: 'direct', tco2e: null, unknown: 2 },
        { carrier: 'electricity', basis: 'indirect', tco2e: 4, unknown: 0 },
      ],
      by_basis: { direct: null, indirect: 4 },
      methods: { metered: 0.5, modelled: null, default: 0.5 },
      coverage: 1,
      t_per_ha: 1.1,
      t_per_person: null,
      illustrative: true,
    },
    {
      sector: 'net',
      tco2e: 10,
      unknown: 0,
      interval_90: null,
      by_carrier: [],
      by_basis: {},
      methods: {},
      coverage: null,
      t_per_ha: null,
      t_per_person: null,
      illustrative: true,
    },
    {
      sector: 'waste',
      tco2e: 1,
      unknown: 0,
      by_carrier: [],
      by_basis: {},
      methods: {},
      illustrative: false,
    },
  ],
};

describe('a question about an area', () => {
  it('tells every year with the interval of its sum', async () => {
    const year = {
      year: 2022,
      rows: 3,
      held: 0,
      tco2e: { buildings: 9, net: null },
      interval_90: { buildings: [8, 10], net: null },
      unknown: {},
    };
    const { api } = answering({ 'demo/statistics': { ...STATISTICS, profile: [year] } });
    const answer = await askStatistics(api, KEY, { type: 'Polygon' }, CANCEL);
    if (!answer.ok) throw new Error(answer.problem.detail);
    expect(answer.value.profile).toEqual([
      { year: 2022, tco2e: { buildings: 9, net: null }, intervals: { buildings: [8, 10], net: null } },
    ]);
  });

  it('is posted, and its answer taken apart as a place is', async () => {
    const { api, seen } = answering({ 'demo/statistics': STATISTICS });
    const answer = await askStatistics(api, KEY, { type: 'Polygon' }, CANCEL);
    if (!answer.ok) throw new Error(answer.problem.detail);
    expect(seen[0]?.init).toMatchObject({ method: 'POST', body: '{"type":"Polygon"}' });
    const breakdown = breakdownOfSum(answer.value, 'buildings');
    expect(breakdown).toMatchObject({
      tco2e: 10,
      interval: [8, 12],
      held: true,
      areaHa: 9,
      carriersTold: false,
    });
    expect(breakdown.carriers).toEqual([
      { part: 'buildings', carrier: 'electricity', basis: 'indirect', tco2e: 4 },
    ]);
    expect(breakdown.parts.map(({ part, methods }) => [part, methods])).toEqual([
      ['buildings', { metered: 0.5, modelled: 0, default: 0.5 }],
    ]);
  });

  it('fails where the answer is not as agreed', async () => {
    const { api } = answering({ 'demo/statistics': { ...STATISTICS, rows: 'many' } });
    const answer = await askStatistics(api, KEY, {}, CANCEL);
    expect(answer).toMatchObject({ ok: false, problem: { kind: 'malformed' } });
  });
});

describe('a standing', () => {
  const asked = { column: 'net_tco2e', unit: 't', order: 'desc', parent: 'a b' } as const;

  it('counts only peers whose value is known', async () => {
    const { api, seen } = answering({ demo: { peers: 9, unknown: 2, item: { rank: 3, ties: 1 } } });
    const answer = await askStanding(api, KEY, '다사', asked, CANCEL);
    expect(answer).toEqual({ ok: true, value: { rank: 3, ties: 1, of: 7 } });
    expect(seen[0]?.address).toContain('parent=a%20b');
  });

  it('is none where the value is not known', async () => {
    const { api } = answering({ demo: { peers: 9, unknown: 2, item: null } });
    expect(await askStanding(api, KEY, 'x', asked, CANCEL)).toMatchObject({ value: { rank: null, of: 7 } });
  });
});

describe('the way up', () => {
  const found = (collection: string, id: string) => ({
    id,
    bbox: [0, 0, 1, 1],
    properties: { collection, title: { en: collection }, name: { ko: id } },
  });
  const sets = [zoneSet('dong', 'gu'), zoneSet('gu', null), zoneSet('grid', null, 'grid')];

  it('of a zone goes by its parents', async () => {
    const { api } = answering({
      'demo/collections/gu/items/7': { id: '7', properties: { name_ko: '은하구' }, geometry: null },
    });
    const answer = await askAncestors(api, KEY, sets, { properties: { parent_id: '7' }, bbox: null }, CANCEL);
    expect(answer).toEqual({
      ok: true,
      value: [{ collection: 'gu', id: '7', names: { ko: '은하구' }, bbox: null }],
    });
  });

  it('of a cell is what lies at its middle, the largest first', async () => {
    const { api, seen } = answering({
      'demo/search': {
        understood: 'coordinates',
        more: false,
        features: [found('dong', '12'), found('grid', 'c'), found('gu', '7')],
      },
    });
    const cell = { properties: {}, bbox: [127, 37, 128, 38] } as const;
    const answer = await askAncestors(api, { ...KEY, collection: 'grid' }, sets, cell, CANCEL);
    expect(seen[0]?.address).toContain(encodeURIComponent('37.500000, 127.500000'));
    expect(answer.ok && answer.value.map(({ id }) => id)).toEqual(['7', '12']);
  });

  it('ends where parents go round in a circle', () => {
    expect(depthOf([zoneSet('a', 'b'), zoneSet('b', 'a')], 'a')).toBe(2);
  });
});

describe('assumptions', () => {
  const fleet = { id: 'transport.fleet', value: { car: { petrol: 0.5, diesel: 0.2 } }, unit: '1' };
  const eui = { id: 'buildings.eui.hotel', value: 225, low: 140, high: 330, unit: 'kWh/m2/yr' };

  it('may be one number or a table of them', async () => {
    const { api } = answering({ 'demo/factors': { assumptions: [fleet, eui] } });
    const answer = await askAssumptions(api, KEY, CANCEL);
    expect(answer.ok && answer.value.map(({ values }) => values)).toEqual([
      [
        ['car petrol', 0.5],
        ['car diesel', 0.2],
      ],
      [['', 225]],
    ]);
  });

  it('of a place are those that its parts name', async () => {
    const part = {
      source: 'roads',
      method: 'default',
      tco2e: 1,
      activity: 2,
      activity_unit: 'L',
      factors: ['f'],
      assumptions: ['transport.fleet'],
      lines: null,
    };
    const carrier = { carrier: 'petrol', basis: 'direct', title: '휘발유', tco2e: 1, closed_tco2e: null };
    const { api, seen } = answering({
      'demo/receipts': {
        reasons: [],
        sectors: [
          {
            sector: 'transport',
            tco2e: 1,
            reasons: [],
            carriers: [{ ...carrier, parts: [part], closed_factors: [] }],
            withheld_tco2e: null,
          },
        ],
        sources: [{ id: 'roads', open: true, files: ['r.parquet'] }],
        factors: [{ id: 'f', value: 2.1, components: ['a', 'b'] }],
        assumptions: [fleet, eui],
        inputs: [
          { file: 'm.csv', bytes: null, sha256: null, reason: 'closed' },
          { file: 'r.parquet', bytes: 9, sha256: 'ab', reason: null },
        ],
      },
    });
    api.speak('ko');
    const answer = await askReceipt(api, KEY, '7', CANCEL);
    if (!answer.ok) throw new Error(answer.problem.detail);
    expect(new Headers(seen[0]?.init?.headers).get('accept-language')).toBe('ko');
    expect(answer.value.inputs).toEqual([
      { file: 'm.csv', bytes: null, sha256: null },
      { file: 'r.parquet', bytes: 9, sha256: 'ab' },
    ]);
    expect(assumptionsOf(answer.value, ['transport']).map(({ id }) => id)).toEqual(['transport.fleet']);
    expect(assumptionsOf(answer.value, ['buildings'])).toEqual([]);
    expect(answer.value.factors[0]).toMatchObject({ id: 'f', value: 2.1, source: null });
  });
});

describe('a search', () => {
  it('asks for the words as they are', async () => {
    const { api, seen } = answering({ 'demo/search': { understood: 'name', more: true, features: [] } });
    expect(await askPlaces(api, KEY, '가&나', 5, CANCEL)).toEqual({
      ok: true,
      value: { understood: 'name', more: true, places: [] },
    });
    expect(seen[0]?.address).toContain('q=%EA%B0%80%26%EB%82%98&limit=5');
  });
});
