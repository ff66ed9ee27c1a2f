import { describe, expect, it } from 'vitest';
import { createApi } from '../api';
import { changedSectors, keep, netAfter, type Summary } from './questions';
import { partOfToday } from './result_view';

const CHANGE = { net: -2, buildings: -2, transport: 0, forest: 0 };
const summary = (baseline: Summary['baseline']) => ({ baseline, change: CHANGE }) as unknown as Summary;

describe('what a scenario comes to', () => {
  it('is the sum where all is known', () => {
    const known = summary({ net: 10, buildings: 8, transport: 3, forest: -1 });
    expect(netAfter(known)).toBe(8);
    expect(partOfToday(known)).toBe(-0.2);
    expect(changedSectors(known)).toEqual(['buildings', 'transport', 'forest']);
  });

  it('is unknown, and no part of today, where a sector is', () => {
    const dark = summary({ net: null, buildings: 8, transport: 3, forest: null });
    expect(netAfter(dark)).toBeNull();
    expect(partOfToday(dark)).toBeNull();
    expect(changedSectors(dark)).toEqual(['buildings', 'transport']);
  });
});

describe('what the server keeps', () => {
  it('is saved on the edition that it was worked out on, the first time and after', async () => {
    const asked: string[] = [];
    const api = createApi('https://map.example/api/', (input, init) => {
      const { pathname, search } = new URL(input instanceof Request ? input.url : input);
      asked.push(`${init?.method ?? 'GET'} ${pathname}${search}`);
      return Promise.resolve(Response.json({}, { status: 403 }));
    });
    const save = (follows: Parameters<typeof keep>[3]) =>
      keep(
        api,
        { region: 'demo', edition: '0123456789abcdef' },
        { year: 2040, measures: [] },
        follows,
        'key',
        new AbortController().signal,
      );
    await save(null);
    await save({ id: 'abc', version: 2 });
    expect(asked).toEqual([
      'POST /api/demo/scenarios?edition=0123456789abcdef',
      'PUT /api/demo/scenarios/abc?follows=2&edition=0123456789abcdef',
    ]);
  });
});
