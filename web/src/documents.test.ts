import { describe, expect, it } from 'vitest';
import { createApi } from './api';
import { askColumns, askDownloads, askFoundations, askManifest } from './documents';

const OF = { region: 'demo', edition: '0123456789abcdef' };

function answering(body: unknown) {
  const asked: string[] = [];
  const api = createApi('https://map.example/api/', (input) => {
    asked.push(input instanceof Request ? input.url : input.toString());
    return Promise.resolve(Response.json(body));
  });
  return { api, asked, signal: new AbortController().signal };
}

describe('what is told of an edition', () => {
  it('is its files, of which some are made when asked for', async () => {
    const { api, asked, signal } = answering({
      licences: ['CC0-1.0'],
      citation: 'carbonmap: a map',
      files: [{ name: 'LICENSE.txt', collection: null, bytes: null, sha256: null, year: null }],
    });
    const result = await askDownloads(api, OF, signal);
    expect(asked).toEqual(['https://map.example/api/demo/downloads?edition=0123456789abcdef']);
    expect(result).toEqual({
      ok: true,
      value: {
        licences: ['CC0-1.0'],
        citation: 'carbonmap: a map',
        files: [{ name: 'LICENSE.txt', collection: null, bytes: null, sha256: null }],
      },
    });
  });

  it('is its factors, of which some are curves without one value', async () => {
    const factor = {
      id: 'x',
      activity: 'forest.growth',
      carrier: 'biomass',
      value: [1, 2],
      unit: 't',
      period: '2006',
    };
    const { api, signal } = answering({ factors: [factor], assumptions: [] });
    const result = await askFoundations(api, OF, signal);
    expect(result.ok && result.value.factors[0]).toEqual({ ...factor, value: null, source: null, u95: null });
  });

  it('is what its columns mean', async () => {
    const { api, signal } = answering({
      columns: [{ name: 'id', unit: '', label: { en: 'Id' }, meaning: { en: 'A code' }, type: 'string' }],
    });
    const result = await askColumns(api, OF, signal);
    expect(result.ok && result.value).toEqual([
      { name: 'id', unit: '', label: { en: 'Id' }, meaning: { en: 'A code' } },
    ]);
  });

  it('is how its sources were read, as far as that is told', async () => {
    const layer = { id: 'roads', sector: 'transport', open: true, complete: false };
    const { api, signal } = answering({
      layers: [
        { ...layer, report: { read: 10, kept: 9, repaired: { count: 1 } } },
        { ...layer, id: 'closed', open: false },
      ],
      inputs: [
        { file: 'roads.parquet', bytes: 3, sha256: 'ab', reason: null },
        { file: 'meters.csv', bytes: null, sha256: null, reason: 'closed' },
      ],
    });
    const result = await askManifest(api, OF, signal);
    expect(result.ok && result.value.inputs).toEqual([
      { file: 'roads.parquet', bytes: 3, sha256: 'ab' },
      { file: 'meters.csv', bytes: null, sha256: null },
    ]);
    expect(result.ok && result.value.layers.map(({ counts }) => counts)).toEqual([{ read: 10, kept: 9 }, {}]);
  });

  it('is a problem where the answer is not as agreed', async () => {
    const { api, signal } = answering({ files: 'none' });
    const result = await askDownloads(api, OF, signal);
    expect(result.ok ? null : result.problem.kind).toBe('malformed');
  });
});
