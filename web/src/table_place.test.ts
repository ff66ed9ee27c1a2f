import { describe, expect, it } from 'vitest';
import { createApi, type Properties, type TableKey } from './api';
import { askPosition, filtersAround, MOST_EQUALS } from './table_place';

const KEY: TableKey = { region: 'demo', edition: 'ab', collection: 'dong', year: 2024 };
const CANCEL = new AbortController().signal;

/** A server that knows one item, how many come before it, and its equals. */
function answering(own: Properties, ahead: number, equals: readonly string[]) {
  const filters: unknown[] = [];
  const feature = (id: string) => ({ id, properties: { id, ...own }, geometry: null });
  const api = createApi('http://x/api/', (input) => {
    const address = new URL(input instanceof Request ? input.url : input.toString());
    if (address.pathname.endsWith('/items/me')) return Promise.resolve(Response.json(feature('me')));
    const filter = address.searchParams.get('filter') ?? '';
    filters.push(JSON.parse(filter));
    expect(address.searchParams.get('filter-lang')).toBe('cql2-json');
    const before = address.searchParams.get('limit') === '1';
    return Promise.resolve(
      Response.json({
        numberMatched: before ? ahead : equals.length,
        features: (before ? ['first'] : equals).map(feature),
      }),
    );
  });
  return { api, filters };
}

describe('the position of an item in a sorted table', () => {
  it('follows those before it, and its equals that come first', async () => {
    const { api, filters } = answering({ name_ko: "중앙'동" }, 40, ['x', 'y', 'me', 'z']);
    expect(await askPosition(api, KEY, 'me', 'name_ko', CANCEL)).toEqual({ ok: true, value: 42 });
    const property = { property: 'name_ko' };
    expect(filters).toEqual([
      { op: '<', args: [property, "중앙'동"] },
      { op: '=', args: [property, "중앙'동"] },
    ]);
  });

  it('is not known among too many equals', async () => {
    const many = Array.from({ length: MOST_EQUALS }, (_, index) => `other-${index}`);
    const { api } = answering({ net_tco2e: 0 }, 3, many);
    expect(await askPosition(api, KEY, 'me', 'net_tco2e', CANCEL)).toEqual({ ok: true, value: null });
  });

  it('tells what failed', async () => {
    const api = createApi('http://x/api/', () =>
      Promise.resolve(Response.json({ detail: 'no' }, { status: 404 })),
    );
    const answer = await askPosition(api, KEY, 'me', 'id', CANCEL);
    expect(answer.ok).toBe(false);
  });
});

describe('what comes before a value', () => {
  it('is greater in a falling order, and never what is unknown', () => {
    expect(filtersAround('-net_tco2e', -3.5)[0]).toEqual({
      op: '>',
      args: [{ property: 'net_tco2e' }, -3.5],
    });
  });

  it('is all that is known before the unknown, in both orders', () => {
    for (const order of ['net_tco2e', '-net_tco2e']) {
      const [before, equals] = filtersAround(order, null);
      expect(before).toEqual({ op: 'not', args: [equals] });
      expect(equals).toEqual({ op: 'isNull', args: [{ property: 'net_tco2e' }] });
    }
  });
});
