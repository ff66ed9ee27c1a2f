/** What the page knows: the view that the reader chose, and what follows from it. Panels and map only read and ask. */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Api, Collection, Distribution, Item, Region, TableKey, TileSet } from './api';
import { activeCollection } from './areas';
import type { BBox } from './decode';
import { createConnection, type Connection } from './connection';
import { THEMES } from './layers/themes';
import type { Ground } from './layers/theme';
import { loaded, resource, type Loadable } from './loading';
import { buildScale, type Scale } from './scale';
import {
  emissionsColumn,
  isOneOf,
  LANGUAGES,
  PARTS,
  SECTORS,
  UNITS,
  type Language,
  type Sector,
  type Unit,
} from './sectors';
import { AUTO, formatView, isStep, parseView, type Selection, type View } from './state';
import { TEXTS, type Texts } from './texts/texts';

/** The page's address, as far as we touch it. */
export interface Address {
  read(): string;
  push(search: string): void;
  replace(search: string): void;
  /** Called when the reader goes back or forward. */
  onReturn(then: () => void): void;
}

/** What the map is to draw. */
export interface Picture {
  readonly key: TableKey;
  readonly collection: Collection;
  readonly sector: Sector;
  readonly unit: Unit;
  readonly scale: Scale;
}

/** A place under the pointer, with what its tile says of it. */
export interface Hovered {
  readonly x: number;
  readonly y: number;
  readonly name: string;
  readonly value: number | null;
  readonly held: boolean;
}

export interface Model {
  readonly api: Api;
  readonly connection: Connection;
  readonly view: ReadonlySignal<View>;
  readonly lang: ReadonlySignal<Language>;
  readonly texts: ReadonlySignal<Texts>;
  readonly ground: ReadonlySignal<Ground>;
  /** The sector shown: the one chosen if the region has it. */
  readonly sector: ReadonlySignal<Sector>;
  readonly regions: ReadonlySignal<Loadable<Region[]>>;
  readonly region: ReadonlySignal<Region | null>;
  readonly year: ReadonlySignal<number | null>;
  readonly collections: ReadonlySignal<Loadable<Collection[]>>;
  readonly active: ReadonlySignal<Collection | null>;
  /** Units that the active collection has numbers for. */
  readonly units: ReadonlySignal<readonly Unit[]>;
  readonly unit: ReadonlySignal<Unit>;
  readonly distribution: ReadonlySignal<Loadable<Distribution>>;
  readonly scale: ReadonlySignal<Scale | null>;
  readonly picture: ReadonlySignal<Picture | null>;
  readonly contextTiles: ReadonlySignal<Loadable<TileSet>>;
  readonly itemKey: ReadonlySignal<TableKey | null>;
  readonly item: ReadonlySignal<Loadable<Item>>;
  /** Whether the active collection has no tiles this far out. */
  readonly tooFar: ReadonlySignal<boolean>;
  readonly hovered: Signal<Hovered | null>;
  /** A place that a list points at; the map marks it. */
  readonly pointed: Signal<Selection | null>;
  /** Where the map is asked to go; it takes the wish away when it sets out. */
  readonly goal: Signal<BBox | null>;
  /** Whether clicks on the map draw an outline. */
  readonly drawing: Signal<boolean>;
  readonly mapState: Signal<'starting' | 'ready' | 'no-webgl'>;
  /** Whether the map still waits for tiles or moves. */
  readonly mapBusy: Signal<boolean>;
  /** Whether what is shown is not yet what was chosen. */
  readonly busy: ReadonlySignal<boolean>;
  /** Where the map is now; the model follows, to choose the grid. */
  readonly eye: Signal<{ zoom: number; lat: number }>;
  update(change: Partial<View>): void;
  /** Show a place that was found elsewhere than on the map: its card, its collection, and the way there. */
  open(place: Selection, bbox: BBox | null): void;
  chooseRegion(region: string): void;
  chooseArea(area: string): void;
}

export interface Surroundings {
  readonly api: Api;
  readonly address: Address;
  readonly languages: readonly string[];
  readonly ground: ReadonlySignal<Ground>;
}

/** Every place in the colour of the unknown: it can still be clicked, and its parts may be known. */
const NOTHING_KNOWN: Scale = { classes: [], zero: null };

/** The first of the browser's languages that we speak, else English. */
export function preferredLanguage(languages: readonly string[]): Language {
  for (const tag of languages) {
    const short = tag.slice(0, 2).toLowerCase();
    if (isOneOf(LANGUAGES, short)) return short;
  }
  return 'en';
}

export function createModel({ api, address, languages, ground }: Surroundings): Model {
  const view = signal(parseView(address.read()));
  const connection = createConnection((cancel) => api.health(cancel));
  const { attempt } = connection;
  const note = connection.note.bind(connection);

  address.onReturn(() => {
    view.value = parseView(address.read());
  });

  function update(change: Partial<View>): void {
    const before = view.value;
    // Another place has another receipt: it opens when it is asked for.
    const after = { ...before, ...('selected' in change ? { receipt: false } : {}), ...change };
    if (formatView(after) === formatView(before) && after.measured === before.measured) return;
    view.value = after;
    if (isStep(before, after)) address.push(formatView(after));
    else address.replace(formatView(after));
  }

  const lang = computed(() => view.value.lang ?? preferredLanguage(languages));

  const regions = resource(
    () => 'regions',
    (_, cancel) => api.regions(cancel),
    attempt,
    note,
  );
  const region = computed(() => {
    const known = loaded(regions.value) ?? [];
    return known.find(({ id }) => id === view.value.region) ?? known[0] ?? null;
  });
  const year = computed(() => {
    const years = region.value?.years ?? [];
    const wanted = view.value.year;
    return wanted !== null && years.includes(wanted) ? wanted : (years.at(-1) ?? null);
  });

  const regionKey = () => (region.value ? { region: region.value.id, edition: region.value.edition } : null);
  const collections = resource(
    regionKey,
    (key, cancel) => api.collections(key.region, key.edition, cancel),
    attempt,
    note,
  );
  const contextTiles = resource(
    regionKey,
    (key, cancel) => api.contextTiles(key.region, key.edition, cancel),
    attempt,
    note,
  );

  const eye = signal({ zoom: view.value.camera?.zoom ?? 10, lat: view.value.camera?.lat ?? 0 });
  const active = computed(() =>
    activeCollection(loaded(collections.value) ?? [], view.value.area, eye.value.zoom, eye.value.lat),
  );

  function keyOf(collection: string): TableKey | null {
    const here = regionKey();
    return here && year.value !== null ? { ...here, collection, year: year.value } : null;
  }

  // A region without counts of people has the column too, with nothing in it.
  const people = resource(
    () => {
      const collection = active.value;
      return collection?.columns.includes('population') ? keyOf(collection.id) : null;
    },
    (key, cancel) => api.distribution(key, 'population', 't', cancel),
    attempt,
    note,
  );
  const units = computed(() => {
    const { state } = people.value;
    const counted = state === 'ready' ? people.value.value.count > 0 : state === 'loading';
    return UNITS.filter((unit) => unit !== 't_per_person' || counted);
  });
  const unit = computed(() => (units.value.includes(view.value.unit) ? view.value.unit : 't_per_ha'));

  const chosen = computed(() => {
    const { sector } = view.value;
    const there = sector === 'net' || (active.value?.sectors ?? SECTORS).some((known) => known === sector);
    return there ? sector : null;
  });
  const tableKey = () => active.value && keyOf(active.value.id);
  // Net is unknown wherever a sector is not covered: a region may know its sectors and no net at all.
  const net = resource(
    () => {
      const key = chosen.value === null ? tableKey() : null;
      return key && { key, unit: unit.value };
    },
    (asked, cancel) => api.distribution(asked.key, emissionsColumn('net'), asked.unit, cancel),
    attempt,
    note,
  );
  const sector = computed<Sector>(() => {
    if (chosen.value !== null) return chosen.value;
    if (loaded(net.value)?.count !== 0) return 'net';
    return PARTS.find((part) => active.value?.sectors.includes(part)) ?? 'net';
  });

  const distribution = resource(
    () => {
      const key = net.value.state === 'loading' ? null : tableKey();
      return key && { key, sector: sector.value, unit: unit.value };
    },
    (asked, cancel) => api.distribution(asked.key, emissionsColumn(asked.sector), asked.unit, cancel),
    attempt,
    note,
  );
  const scale = computed(() => {
    const known = loaded(distribution.value);
    return known && buildScale(known, THEMES[sector.value].ramps[ground.value]);
  });
  const picture = computed<Picture | null>(() => {
    const collection = active.value;
    const key = tableKey();
    if (!collection || !key || distribution.value.state !== 'ready') return null;
    return { key, collection, sector: sector.value, unit: unit.value, scale: scale.value ?? NOTHING_KNOWN };
  });

  const itemKey = computed(() => {
    const { selected } = view.value;
    const exists = selected && (loaded(collections.value) ?? []).some(({ id }) => id === selected.collection);
    return exists ? keyOf(selected.collection) : null;
  });
  const item = resource(
    () => {
      const { selected } = view.value;
      return itemKey.value && selected && { key: itemKey.value, id: selected.id };
    },
    (asked, cancel) => api.item(asked.key, asked.id, cancel),
    attempt,
    note,
  );

  const goal = signal<BBox | null>(null);
  const mapBusy = signal(true);
  const waiting = computed(() =>
    [regions.value, collections.value, net.value, distribution.value].some(
      ({ state }) => state === 'loading',
    ),
  );

  return {
    api,
    connection,
    view,
    lang,
    texts: computed(() => TEXTS[lang.value]),
    ground,
    sector,
    regions,
    region,
    year,
    collections,
    active,
    units,
    unit,
    distribution,
    scale,
    picture,
    contextTiles,
    itemKey,
    item,
    tooFar: computed(() => (active.value?.minzoom ?? 0) > eye.value.zoom + 1e-6),
    hovered: signal<Hovered | null>(null),
    pointed: signal<Selection | null>(null),
    goal,
    drawing: signal(false),
    mapState: signal<'starting' | 'ready' | 'no-webgl'>('starting'),
    mapBusy,
    busy: computed(() => waiting.value || mapBusy.value),
    eye,
    update,
    open(place, bbox) {
      const drawn = active.value?.id === place.collection;
      update({ selected: place, ...(drawn ? {} : { area: place.collection }) });
      if (bbox) goal.value = bbox;
    },
    chooseRegion(id) {
      // Another place: its camera, cell and outline mean nothing there.
      update({ region: id, camera: null, selected: null, measured: null });
    },
    chooseArea(area) {
      const stays = area === AUTO || view.value.selected?.collection === area;
      update(stays ? { area } : { area, selected: null });
    },
  };
}
