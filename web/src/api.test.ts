import { describe, expect, it } from 'vitest';
import { createApi, decodeCollection, decodeRegion, type TableKey } from './api';

const KEY: TableKey = { region: 'demo', edition: '0123456789abcdef', collection: 'grid-1km', year: 2023 };
const BASE = 'https://map.example/api/';
const idle = new AbortController().signal;

function answering(status: number, body: string, seen: string[] = []) {
  return createApi(BASE, (input) => {
    seen.push(input instanceof Request ? input.url : input.toString());
    return Promise.resolve(new Response(body, { status, headers: { 'content-type': 'application/json' } }));
  });
}

const REGION = {
  id: 'demo',
  name: { en: 'Demo' },
  languages: ['en'],
  bbox: [1, 2, 3, 4],
  synthetic: true,
  illustrative: { buildings: false, transport: true },
  edition: '0123456789abcdef',
  years: [2023, 2022],
  attributions: [{ text: 'Demo', licence: null, url: null }],
};

describe('answers', () => {
  it('are typed and in order', () => {
    const region = decodeRegion(REGION, 'region');
    expect(region.years).toEqual([2022, 2023]);
    expect(region.illustrative).toEqual(['transport']);
  });

  it('of another shape are named by their path', async () => {
    const result = await answering(200, JSON.stringify([{ ...REGION, bbox: [1, 2] }])).regions(idle);
    expect(result).toMatchObject({ ok: false, problem: { kind: 'malformed' } });
    expect(JSON.stringify(result)).toContain('regions[0].bbox');
  });

  it('may name columns plainly or with what they mean', () => {
    const given = {
      id: 'gu',
      title: 'Gu',
      titles: { en: 'Gu', ko: '구' },
      kind: 'zones',
      years: [2023],
      sectors: [],
      count: 3,
    };
    expect(decodeCollection({ ...given, columns: ['id', 'net_tco2e'] }, 'c').columns).toEqual([
      'id',
      'net_tco2e',
    ]);
    expect(decodeCollection({ ...given, columns: [{ name: 'id' }] }, 'c').columns).toEqual(['id']);
    expect(() => decodeCollection({ ...given, columns: [], kind: 'raster' }, 'c')).toThrow('c.kind');
  });

  it('have their titles in every language, or one that stands for all', () => {
    const given = { id: 'gu', title: '구', kind: 'zones', years: [2023], sectors: [], columns: [], count: 3 };
    expect(decodeCollection({ ...given, titles: { en: 'Gu', ko: '구' } }, 'c').title).toEqual({
      en: 'Gu',
      ko: '구',
    });
    expect(decodeCollection(given, 'c').title).toEqual({ en: '구' });
    expect(() => decodeCollection({ ...given, titles: [1] }, 'c')).toThrow('c.titles');
  });

  it('keep a null of an item as unknown', async () => {
    const body = {
      id: '다사6443',
      properties: { net_tco2e: null, held: false, forest_tco2e: -3 },
      links: [],
    };
    const result = await answering(200, JSON.stringify(body)).item(KEY, '다사6443', idle);
    expect(result).toEqual({
      ok: true,
      value: { id: '다사6443', bbox: null, properties: { net_tco2e: null, held: false, forest_tco2e: -3 } },
    });
  });
});

describe('addresses', () => {
  it('pin edition and year, and escape ids', async () => {
    const seen: string[] = [];
    await answering(200, '{}', seen).item(KEY, 'a/b 다', idle);
    expect(seen).toEqual([
      `${BASE}demo/collections/grid-1km/items/a%2Fb%20%EB%8B%A4?year=2023&edition=0123456789abcdef`,
    ]);
    expect(answering(200, '').valueTiles(KEY, null)).toBe(
      `${BASE}demo/collections/grid-1km/tiles/WebMercatorQuad/{z}/{y}/{x}?year=2023&edition=0123456789abcdef`,
    );
    expect(answering(200, '').valueTiles(KEY, ['held', 'name_ko'])).toMatch(/&properties=held,name_ko$/);
  });
});

describe('failures', () => {
  it('carry the words of a problem document', async () => {
    const problem = JSON.stringify({ title: 'Not found', detail: 'grid-1km has no item x', status: 404 });
    expect(await answering(404, problem).item(KEY, 'x', idle)).toEqual({
      ok: false,
      problem: { kind: 'refused', status: 404, detail: 'grid-1km has no item x' },
    });
  });

  it('without words say their status', async () => {
    expect(await answering(500, '<html>').regions(idle)).toMatchObject({
      problem: { kind: 'refused', status: 500, detail: 'HTTP 500' },
    });
  });

  it('of a gateway or of the network mean that the API is away', async () => {
    expect(await answering(502, '').regions(idle)).toMatchObject({ problem: { kind: 'away' } });
    const cut = createApi(BASE, () => Promise.reject(new TypeError('Failed to fetch')));
    expect(await cut.regions(idle)).toMatchObject({ problem: { kind: 'away', detail: 'Failed to fetch' } });
  });

  it('of one damaged edition are a refusal, since the API itself is there', async () => {
    const problem = JSON.stringify({
      title: 'Damaged',
      detail: 'the edition of demo is damaged',
      status: 503,
    });
    expect(await answering(503, problem).regions(idle)).toMatchObject({
      problem: { kind: 'refused', detail: 'the edition of demo is damaged' },
    });
  });

  it('that we caused ourselves are aborted', async () => {
    const controller = new AbortController();
    const api = createApi(BASE, () => {
      controller.abort();
      return Promise.reject(new DOMException('Aborted', 'AbortError'));
    });
    expect(await api.regions(controller.signal)).toMatchObject({ problem: { kind: 'aborted' } });
  });
});
