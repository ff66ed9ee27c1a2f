/** What a place lies in: zones by their parents, cells and hexagons by what is found at their middle. */
import type { Api, Collection, Properties, Result, TableKey } from './api';
import type { BBox } from './decode';
import { nameOf, textIn } from './format';
import { askPlaces } from './questions';
import type { Language } from './sectors';

interface Ancestor {
  readonly collection: string;
  readonly id: string;
  readonly names: Readonly<Record<string, string>>;
  readonly bbox: BBox | null;
}

/** How many collections stand above one. */
export function depthOf(collections: readonly Collection[], id: string): number {
  const seen = new Set<string>();
  let at = collections.find((one) => one.id === id);
  while (at?.parent && !seen.has(at.id)) {
    seen.add(at.id);
    const { parent } = at;
    at = collections.find((one) => one.id === parent);
  }
  return seen.size;
}

function namesOf(properties: Properties): Record<string, string> {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([key, value]) =>
      key.startsWith('name_') && typeof value === 'string' && value !== '' ? [[key.slice(5), value]] : [],
    ),
  );
}

async function parentsOf(
  api: Api,
  key: TableKey,
  collections: readonly Collection[],
  start: Collection,
  properties: Properties,
  signal: AbortSignal,
): Promise<Result<Ancestor[]>> {
  const found: Ancestor[] = [];
  const seen = new Set([start.id]);
  let collection = start;
  let parentId = properties.parent_id;
  while (collection.parent !== null && typeof parentId === 'string' && !seen.has(collection.parent)) {
    const above = collection.parent;
    seen.add(above);
    const answer = await api.item({ ...key, collection: above }, parentId, signal);
    if (!answer.ok) return answer;
    found.unshift({
      collection: above,
      id: answer.value.id,
      names: namesOf(answer.value.properties),
      bbox: answer.value.bbox,
    });
    const next = collections.find(({ id }) => id === above);
    if (!next) break;
    collection = next;
    parentId = answer.value.properties.parent_id;
  }
  return { ok: true, value: found };
}

/** The administrative zones that a place lies in, the largest first. */
export async function askAncestors(
  api: Api,
  key: TableKey,
  collections: readonly Collection[],
  place: { readonly properties: Properties; readonly bbox: BBox | null },
  signal: AbortSignal,
): Promise<Result<Ancestor[]>> {
  const own = collections.find(({ id }) => id === key.collection);
  if (!own) return { ok: true, value: [] };
  if (own.parent !== null && own.kind === 'zones') {
    return parentsOf(api, key, collections, own, place.properties, signal);
  }
  const administrative = collections.filter(
    ({ kind, zoneKind, id }) => kind === 'zones' && zoneKind === 'administrative' && id !== own.id,
  );
  // Zones that nothing stands above are at the top themselves, or cut across districts.
  if (own.kind === 'zones' || !place.bbox || administrative.length === 0) return { ok: true, value: [] };
  const [west, south, east, north] = place.bbox;
  const middle = `${((south + north) / 2).toFixed(6)}, ${((west + east) / 2).toFixed(6)}`;
  const answer = await askPlaces(api, key, middle, 50, signal);
  if (!answer.ok) return answer;
  return {
    ok: true,
    value: answer.value.places
      .filter(({ collection }) => administrative.some(({ id }) => id === collection))
      .sort((a, b) => depthOf(collections, a.collection) - depthOf(collections, b.collection))
      .map(({ collection, id, name, bbox }) => ({ collection, id, names: name, bbox })),
  };
}

/** What an ancestor is called. */
export function ancestorName({ names, id }: Ancestor, language: Language): string {
  return textIn(names, language) || nameOf({}, id, language);
}
