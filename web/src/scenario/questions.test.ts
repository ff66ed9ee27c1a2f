import { describe, expect, it } from 'vitest';
import { createApi } from '../api';
import {
  changedSectors,
  decodeCatalogue,
  keep,
  netAfter,
  netIn,
  stopsToday,
  type Summary,
} from './questions';
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

describe('scenarios of different years', () => {
  it('are told of a year that both reach, by their paths', () => {
    const outcomes = [{ name: 'one', net: -2, leaves: 0, path: [10, 9, 8.5] }];
    const known = {
      baseline: { net: 10 },
      change: { net: -2 },
      year: 2026,
      years: [2024, 2025, 2026],
      outcomes,
    };
    const summary = known as unknown as Summary;
    expect(netIn(summary, 2025)).toBe(9);
    expect(netIn(summary, 2026)).toBe(8);
    expect(netIn({ ...summary, outcomes: [{ name: 'one', net: -2, leaves: 0, path: [] }] }, 2025)).toBeNull();
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

describe('the transit stops of today', () => {
  const catalogue = (stops?: number) =>
    decodeCatalogue({ stages: [], measures: [], parameters: [], limits: { measures: 40 }, stops }, 'answer');
  const scenario = { year: 2040, measures: [] };
  const marked = {
    ...scenario,
    stops: [
      [127, 37],
      [127.1, 37],
    ],
  };

  it('are those that the edition tells, beside which none are marked', () => {
    expect(stopsToday(scenario, catalogue(12))).toEqual({ count: 12, marked: false, mayMark: false });
  });

  it('are marked where the edition tells none', () => {
    expect(stopsToday(scenario, catalogue(0))).toEqual({ count: 0, marked: false, mayMark: true });
    expect(stopsToday(marked, catalogue(0))).toEqual({ count: 2, marked: true, mayMark: true });
  });

  it('are the marked ones of a link in place of the edition’s, as the scenario is run', () => {
    expect(stopsToday(marked, catalogue(12))).toEqual({ count: 2, marked: true, mayMark: false });
    expect(stopsToday({ ...marked, stops: [] }, catalogue(12)).count).toBe(12);
  });

  it('are not guessed where the answer does not count them', () => {
    expect(() => catalogue()).toThrow('answer.stops');
  });
});
