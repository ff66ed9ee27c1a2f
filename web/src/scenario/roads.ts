/** Roads that measures can name: found by a place near one, or by their ids, and known from then on. */
import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import type { Geometry } from 'geojson';
import type { Api, Problem, Result } from '../api';
import { list, number, optional, record, text, type Decoder } from '../decode';
import { toggled } from '../drawing';
import type { Model } from '../model';
import { queryOf, type Query, type Wire } from '../wire';
import type { Asking } from './questions';

type Address = '/api/{region}/scenarios/roads';

export interface Road {
  readonly id: string;
  readonly geometry: Geometry;
  readonly km: number;
  /** Null: nobody tells. */
  readonly kmh: number | null;
  readonly aadt: number | null;
}

/** As many as one question names. */
export const MOST_ROADS = 200;

const road: Decoder<Road> = (value, path) => {
  const given = record<Wire['RoadOut']>(value, path);
  text(record(given.geometry, `${path}.geometry`).type, `${path}.geometry.type`);
  const told = record<Wire['RoadProperties']>(given.properties, `${path}.properties`);
  return {
    id: text(given.id, `${path}.id`),
    geometry: given.geometry as Geometry,
    km: number(told.km, `${path}.properties.km`),
    kmh: optional(number)(told.kmh, `${path}.properties.kmh`),
    aadt: optional(number)(told.aadt, `${path}.properties.aadt`),
  };
};

export function decodeRoads(value: unknown, path: string): Road[] {
  return list(road)(record<Wire['RoadsOut']>(value, path).features, `${path}.features`);
}

/** The road nearest to a place, or those of some ids. */
export type Sought =
  { readonly lon: number; readonly lat: number; readonly within_m: number } | { readonly ids: string };

export function askRoads(
  api: Api,
  { region, edition, year }: Asking,
  sought: Sought,
  cancel: AbortSignal,
): Promise<Result<Road[]>> {
  const query: Query<Address> = { edition, year, ...sought };
  return api.ask(
    `${encodeURIComponent(region)}/scenarios/roads?${queryOf<Address>(query)}`,
    decodeRoads,
    cancel,
  );
}

export interface KnownRoads {
  /** By id; those of another edition are not among them. */
  readonly known: ReadonlySignal<ReadonlyMap<string, Road>>;
  /** What came of the last click: no road was near it, or why nobody knows. */
  readonly told: ReadonlySignal<'nothing' | Problem | null>;
  /** Whether a click waits for its road. */
  readonly looking: ReadonlySignal<boolean>;
  /** Pick the road at a place, or give it back if it is picked. */
  pick(lon: number, lat: number, withinM: number): void;
  /** Make sure that some are known. */
  bring(ids: readonly string[]): void;
}

function createRoads(model: Model, asking: ReadonlySignal<Asking | null>): KnownRoads {
  const known = signal<ReadonlyMap<string, Road>>(new Map());
  const told = signal<'nothing' | Problem | null>(null);
  const looking = signal(false);
  /** Ids that were asked for, there or not: they are not asked for twice. */
  const asked = new Set<string>();
  let controller = new AbortController();
  /** Of the click that waits. */
  let clicked = new AbortController();

  const edition = computed(() => asking.value && `${asking.value.region}/${asking.value.edition}`);
  effect(() => {
    void edition.value;
    controller.abort();
    controller = new AbortController();
    asked.clear();
    known.value = new Map();
  });
  // What came of a click, and what is still to come, is told to whom picked, and to nobody after them.
  const by = computed(() => model.picking.value?.by ?? null);
  effect(() => {
    void edition.value;
    void by.value;
    clicked.abort();
    clicked = new AbortController();
    told.value = null;
    looking.value = false;
  });

  function learn(found: readonly Road[]): void {
    known.value = new Map([...known.peek(), ...found.map((one) => [one.id, one] as const)]);
  }

  return {
    known,
    told,
    looking,
    pick(lon, lat, withinM) {
      const now = asking.peek();
      if (!now || looking.peek()) return;
      const { signal: cancel } = clicked;
      told.value = null;
      looking.value = true;
      void askRoads(model.api, now, { lon, lat, within_m: withinM }, cancel).then((result) => {
        if (cancel.aborted) return;
        looking.value = false;
        model.connection.note(result);
        if (!result.ok) {
          told.value = result.problem;
          return;
        }
        const [found] = result.value;
        const picking = model.picking.peek();
        if (!found) told.value = 'nothing';
        if (!found || picking?.collection !== null) return;
        learn([found]);
        model.picking.value = toggled(picking, found.id, MOST_ROADS);
      });
    },
    bring(ids) {
      const now = asking.peek();
      const wanted = ids.filter((id) => !known.peek().has(id) && !asked.has(id)).slice(0, MOST_ROADS);
      if (!now || wanted.length === 0) return;
      for (const id of wanted) asked.add(id);
      const { signal: cancel } = controller;
      void askRoads(model.api, now, { ids: wanted.join(',') }, cancel).then((result) => {
        if (cancel.aborted) return;
        model.connection.note(result);
        if (result.ok) learn(result.value);
        else for (const id of wanted) asked.delete(id);
      });
    },
  };
}

const rooms = new WeakMap<Model, KnownRoads>();

/** Those of a page. */
export function roadsOf(model: Model, asking: ReadonlySignal<Asking | null>): KnownRoads {
  const found = rooms.get(model);
  if (found) return found;
  const made = createRoads(model, asking);
  rooms.set(model, made);
  return made;
}
