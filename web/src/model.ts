/** What the page knows: the view that the reader chose, and what follows from it. Panels and map only read and ask. */
import {
  batch,
  computed,
  effect,
  signal,
  untracked,
  type ReadonlySignal,
  type Signal,
} from '@preact/signals';
import type { Api, Attribution, BaseMap, Collection, Item, Region, Result, TableKey, TileSet } from './api';
import { activeCollection } from './areas';
import { createCompared, type Compared } from './compared';
import type { BBox } from './decode';
import { createConnection, type Connection } from './connection';
import { LEAST_CORNERS, type Drawing, type Picking } from './drawing';
import type { InView } from './in_view';
import type { Ground } from './layers/theme';
import { loaded, resource, type Loadable } from './loading';
import { writeOutline } from './outlines';
import { createPinned, type Pinned } from './pinned';
import type { Position } from './positions';
import { withNeighbours } from './room';
import { isOneOf, LANGUAGES, type Language } from './sectors';
import { playYears } from './play';
import { createPublished, type Published } from './published';
import { createShown, type Shown } from './shown';
import { AUTO, formatView, isStep, parseView, type Selection, type View } from './state';
import { textsIn, type Texts } from './texts/texts';
import type { Shot } from './view_picture';

/** The page's address, as far as we touch it. */
export interface Address {
  read(): string;
  push(search: string): void;
  replace(search: string): void;
  /** Called when the reader goes back or forward. */
  onReturn(then: () => void): void;
}

/** A place under the pointer, with what its tile says of it. */
export interface Hovered {
  readonly x: number;
  readonly y: number;
  readonly name: string;
  readonly value: number | null;
  readonly held: boolean;
  readonly doubtful: boolean;
  /** The value that it is compared with; null: there is none, or it is not known. */
  readonly other: number | null;
  /** Whether the two intervals overlap. */
  readonly indistinct: boolean;
}

export interface Model extends Omit<Shown, 'waiting' | 'picture'>, Compared {
  readonly api: Api;
  readonly connection: Connection;
  readonly view: ReadonlySignal<View>;
  readonly lang: ReadonlySignal<Language>;
  readonly texts: ReadonlySignal<Texts>;
  readonly ground: ReadonlySignal<Ground>;
  readonly regions: ReadonlySignal<Loadable<Region[]>>;
  readonly published: Published;
  /** The edition that is published of the region shown, if that is another one by now. */
  readonly newEdition: ReadonlySignal<string | null>;
  readonly region: ReadonlySignal<Region | null>;
  /** How the edition that the address keeps to stands to the one that is published. */
  readonly pinned: Pick<Pinned, 'old' | 'gone' | 'state'>;
  /** The region's base map if it is drawn. */
  readonly baseMap: ReadonlySignal<BaseMap | null>;
  /** Whom to name for what is drawn. */
  readonly attributions: ReadonlySignal<readonly Attribution[]>;
  readonly year: ReadonlySignal<number | null>;
  readonly collections: ReadonlySignal<Loadable<Collection[]>>;
  readonly active: ReadonlySignal<Collection | null>;
  readonly contextTiles: ReadonlySignal<Loadable<TileSet>>;
  readonly itemKey: ReadonlySignal<TableKey | null>;
  readonly item: ReadonlySignal<Loadable<Item>>;
  /** Whether the active collection has no tiles this far out. */
  readonly tooFar: ReadonlySignal<boolean>;
  readonly hovered: Signal<Hovered | null>;
  readonly inView: Signal<InView>;
  /** The sheet that lies over everything. */
  readonly sheet: Signal<'keys' | null>;
  /** Whether the years follow one another by themselves. */
  readonly playing: Signal<boolean>;
  /** A place that a list points at; the map marks it. */
  readonly pointed: Signal<Selection | null>;
  /** Where the map is asked to go; it takes the wish away when it sets out. */
  readonly goal: Signal<BBox | null>;
  /** Whether the map shows the whole region because nobody moved it: what takes room later may have it moved. */
  readonly whole: Signal<boolean>;
  /** Whether the panel is open in which an area is drawn or chosen. */
  readonly measuring: Signal<boolean>;
  /** Whether the next place that is clicked is laid beside the selected one. */
  readonly pairing: Signal<boolean>;
  /** Corners of the outline that clicks on the map are drawing; null: they choose places. */
  readonly sketch: Signal<readonly Position[] | null>;
  /** What the corners become; null: an area that is measured. */
  readonly drawnFor: Signal<Drawing | null>;
  /** What clicks on the map pick; null: they choose places. */
  readonly picking: Signal<Picking | null>;
  /** Whether something else stands on the map in the place of its values, as a scenario's result. */
  readonly covered: Signal<boolean>;
  /** A file that was dropped on the page, to be measured. */
  readonly dropped: Signal<File | null>;
  readonly mapState: Signal<'starting' | 'ready' | 'no-webgl'>;
  /** Whether the map still waits for tiles or moves. */
  readonly mapBusy: Signal<boolean>;
  /** Whether what is shown is not yet what was chosen. */
  readonly busy: ReadonlySignal<boolean>;
  /** What the map shows of the ground, degrees; null until it is there. */
  readonly bounds: Signal<BBox | null>;
  /** The maps, ready to be pictured. */
  readonly shots: Signal<{
    readonly first: (() => Promise<Shot>) | null;
    readonly other: (() => Promise<Shot>) | null;
  }>;
  /** The query of a link that shows the same numbers a year from now: what follows from the day is written out. */
  readonly link: ReadonlySignal<string>;
  /** How near the map is now; the model follows, to choose the grid. */
  readonly zoom: Signal<number>;
  /** Change the view; `quietly`: without a step of the back button. */
  update(change: Partial<View>, quietly?: boolean): void;
  /** The drawn corners become the area that is measured, if they make one. */
  finishSketch(): void;
  /** Draw no further: clicks choose places again. */
  endSketch(): void;
  /** Show a place that was found elsewhere than on the map: its card, its collection, and the way there. */
  open(place: Selection, bbox: BBox | null): void;
  /** Show what is published now, whatever edition the address keeps to. */
  showPublished(): void;
  chooseRegion(region: string): void;
  chooseArea(area: string): void;
}

interface Surroundings {
  readonly api: Api;
  readonly address: Address;
  readonly languages: readonly string[];
  readonly ground: ReadonlySignal<Ground>;
}

/** Choices that decide what a value is. */
const OF_VALUES: readonly (keyof View)[] = ['region', 'sector', 'unit', 'part', 'area'];

/** The first of the browser's languages that we speak, else English. */
export function preferredLanguage(languages: readonly string[]): Language {
  for (const tag of languages) {
    const short = tag.slice(0, 2).toLowerCase();
    if (isOneOf(LANGUAGES, short)) return short;
  }
  return 'en';
}

/** Whether the server knows no such thing, or no longer. */
function isGone(result: Result<unknown>): boolean {
  return !result.ok && (result.problem.status === 404 || result.problem.status === 410);
}

export function createModel({ api, address, languages, ground }: Surroundings): Model {
  const view = signal(parseView(address.read()));
  const connection = createConnection((cancel) => api.health(cancel));
  const { attempt } = connection;
  const note = (result: Result<unknown>): void => {
    connection.note(result);
    // What was there may be gone with its edition.
    if (isGone(result)) published.look();
  };

  address.onReturn(() => {
    view.value = parseView(address.read());
  });

  function update(change: Partial<View>, quietly = false): void {
    const before = view.value;
    const after: { -readonly [K in keyof View]: View[K] } = {
      ...before,
      // Another place has another receipt: it opens when it is asked for.
      ...('selected' in change ? { receipt: false, pair: null } : {}),
      // A span of other values would hide nearly everything.
      ...(OF_VALUES.some((key) => key in change) ? { only: null } : {}),
      ...change,
    };
    // A question of a scenario's planner goes with the scenario.
    if (after.scenarios === null) after.plan = null;
    const same = after.measured === before.measured && after.scenarios === before.scenarios;
    if (formatView(after) === formatView(before) && same) return;
    if (isStep(before, after) && !quietly) address.push(formatView(after));
    else address.replace(formatView(after));
    // After the address: who follows the view may write into it in turn.
    view.value = after;
  }

  const chosenGround = computed(() => (view.value.ground === 'auto' ? ground.value : view.value.ground));
  const lang = computed(() => view.value.lang ?? preferredLanguage(languages));

  effect(() => {
    api.speak(lang.value === 'pseudo' ? 'en' : lang.value);
  });
  const published = createPublished(api, attempt, note);
  const { regions } = published;
  const pinned = createPinned(
    api,
    computed(() => {
      const known = loaded(regions.value) ?? [];
      return known.find(({ id }) => id === view.value.region) ?? known[0] ?? null;
    }),
    computed(() => view.value.edition),
    isGone,
    attempt,
    note,
  );
  const { region } = pinned;
  // By itself: a camera move makes a new view, and must not draw the ground anew.
  const baseMap = computed(() => (view.value.base ? (region.value?.baseMap ?? null) : null));
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

  const zoom = signal(view.value.camera?.zoom ?? 10);
  const active = computed(() =>
    activeCollection(loaded(collections.value) ?? [], view.value.area, zoom.value),
  );

  function keyOf(collection: string): TableKey | null {
    const here = regionKey();
    return here && year.value !== null ? { ...here, collection, year: year.value } : null;
  }

  const known = { api, view, ground: chosenGround, region, year, active, attempt, note };
  const shown = createShown(known);
  const compared = createCompared(known, shown);

  const newEdition = computed(() => {
    // Whoever keeps to an older one is told so anyway.
    if (pinned.old.value) return null;
    const now = (published.newer.value ?? []).find(({ id }) => id === region.value?.id);
    return now && now.edition !== region.value?.edition ? now.edition : null;
  });
  effect(() => {
    // A server that was away may have been given something new.
    if (attempt.value > 0) untracked(published.look);
  });
  effect(() => {
    const lost = [collections.value, shown.distribution.value].some(
      (state) => state.state === 'failed' && isGone({ ok: false, problem: state.problem }),
    );
    if (lost && pinned.old.value) untracked(pinned.lose);
    else if (newEdition.value !== null && lost) untracked(published.take);
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
  const sketch = signal<readonly Position[] | null>(null);
  const drawnFor = signal<Drawing | null>(null);
  const picking = signal<Picking | null>(null);
  function endSketch(): void {
    sketch.value = null;
    drawnFor.value = null;
  }
  // Corners in one region mean nothing in another.
  const regionId = computed(() => region.value?.id);
  effect(() => {
    void regionId.value;
    endSketch();
    picking.value = null;
  });
  const mapBusy = signal(true);
  const playing = signal(false);
  const waiting = computed(() =>
    [regions.value, pinned.state.value, collections.value].some(({ state }) => state === 'loading'),
  );

  const busy = computed(() =>
    [waiting, shown.waiting, compared.differenceWaiting, mapBusy].some(({ value }) => value),
  );
  playYears({
    playing,
    busy,
    years: computed(() => region.value?.years ?? []),
    year,
    // A film leaves no steps behind: the back button must lead out of it at once.
    show(next) {
      update({ year: next }, true);
    },
  });

  return {
    api,
    connection,
    view,
    lang,
    texts: computed(() => textsIn(lang.value)),
    ground: chosenGround,
    ...shown,
    ...compared,
    regions,
    published,
    newEdition,
    region,
    pinned,
    baseMap,
    attributions: computed(() => [
      ...(region.value?.attributions ?? []),
      ...(baseMap.value ? [baseMap.value.attribution] : []),
    ]),
    year,
    collections,
    active,
    contextTiles,
    itemKey,
    item,
    tooFar: computed(() => (active.value?.minzoom ?? 0) > zoom.value + 1e-6),
    hovered: signal<Hovered | null>(null),
    inView: signal<InView>({ places: true, unknown: false, held: false, doubtful: false }),
    pointed: signal<Selection | null>(null),
    goal,
    whole: signal(false),
    measuring: signal(false),
    pairing: signal(false),
    sketch,
    drawnFor,
    picking,
    covered: signal(false),
    dropped: signal<File | null>(null),
    mapState: signal<'starting' | 'ready' | 'no-webgl'>('starting'),
    mapBusy,
    playing,
    sheet: signal<'keys' | null>(null),
    bounds: signal<BBox | null>(null),
    shots: signal({ first: null, other: null }),
    link: computed(() =>
      formatView({
        ...view.value,
        region: region.value?.id ?? view.value.region,
        edition: region.value?.edition ?? view.value.edition,
        year: year.value,
        sector: shown.sector.value,
        page: null,
      }),
    ),
    busy,
    zoom,
    update,
    endSketch,
    finishSketch() {
      const corners = sketch.value ?? [];
      const drawing = drawnFor.value;
      endSketch();
      if (corners.length < LEAST_CORNERS[drawing?.shape ?? 'area']) return;
      if (drawing) {
        drawing.then(corners);
        return;
      }
      const outline = writeOutline([[corners]]);
      if (outline !== '') update({ measured: { kind: 'outline', outline }, selected: null });
    },
    open(place, bbox) {
      // The grid must not change on the way there, as it would if it went on suiting itself to the zoom.
      update({ selected: place, area: place.collection });
      if (bbox) goal.value = withNeighbours(bbox);
    },
    showPublished() {
      // Together, and the edition first: nothing is asked of one that is neither kept to nor published.
      batch(() => {
        update({ edition: null });
        published.take();
      });
    },
    chooseRegion(id) {
      // Another place: its edition, camera, cell and outline mean nothing there.
      update({
        region: id,
        edition: null,
        camera: null,
        selected: null,
        measured: null,
        compare: null,
        scenarios: null,
      });
    },
    chooseArea(area) {
      const stays = area === AUTO || view.value.selected?.collection === area;
      update(stays ? { area } : { area, selected: null });
    },
  };
}
