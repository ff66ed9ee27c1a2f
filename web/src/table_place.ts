/** Where an item stands in a table sorted by any column: behind all that come before it, and behind some of its equals. */
import type { Api, Result, TableKey } from './api';
import type { Scalar } from './decode';
import { askPage } from './questions';

/** Of more items with an equal value only these are looked through. */
export const MOST_EQUALS = 1000;

/** Filters (CQL2 JSON) for what comes before a value in an order, and for its equals. Unknown values come last. */
export function filtersAround(order: string, value: Scalar): readonly [before: object, equals: object] {
  const property = { property: order.replace(/^-/, '') };
  const unknown = { op: 'isNull', args: [property] };
  if (value === null) return [{ op: 'not', args: [unknown] }, unknown];
  return [
    { op: order.startsWith('-') ? '>' : '<', args: [property, value] },
    { op: '=', args: [property, value] },
  ];
}

/**
 * Position of an item in a sorted table, from 0.
 *
 * @param order a column, with `-` for falling
 * @returns null where the item has too many equals to be found among them
 */
export async function askPosition(
  api: Api,
  key: TableKey,
  id: string,
  order: string,
  signal: AbortSignal,
): Promise<Result<number | null>> {
  const column = order.replace(/^-/, '');
  const item = await api.item(key, id, signal);
  if (!item.ok) return item;
  const own = column === 'id' ? id : (item.value.properties[column] ?? null);
  const [before, equals] = filtersAround(order, own).map((filter) => JSON.stringify(filter));
  const part = { columns: [column], sort: order, offset: 0 };
  const [ahead, alike] = await Promise.all([
    askPage(api, key, { ...part, limit: 1, filter: before }, signal),
    askPage(api, key, { ...part, limit: MOST_EQUALS, filter: equals }, signal),
  ]);
  if (!ahead.ok) return ahead;
  if (!alike.ok) return alike;
  const among = alike.value.items.findIndex((one) => one.id === id);
  return { ok: true, value: among < 0 ? null : ahead.value.total + among };
}
