/** What of the active collection is shown, and in which classes: it follows from the view and from what is known. */
import { computed, type ReadonlySignal } from '@preact/signals';
import type { Api, Collection, Distribution, Region, Result, TableKey } from './api';
import { doubtColumns, doubtful, type Doubted } from './doubt';
import type { Strengths } from './expressions';
import { THEMES } from './layers/themes';
import type { Ground } from './layers/theme';
import { loaded, resource, type Loadable } from './loading';
import type { Doubt } from './look';
import { quantileAt } from './breaks';
import {
  columnsOf,
  partChoices,
  sectorsWithin,
  termsOf,
  writtenTerms,
  type PartChoices,
  type Term,
} from './quantity';
import type { Scale } from './scale';
import { emissionsColumn, PARTS, SECTORS, UNITS, type Sector, type Unit } from './sectors';
import { pooled, type Spread } from './spread';
import type { View } from './state';

/** What is taken off in a difference: another year, sector or edition of the same places. */
export interface Less {
  readonly key: TableKey;
  readonly sector: Sector;
  readonly terms: readonly Term[];
  readonly columns: readonly string[] | null;
  /** Whether the two intervals say if there is a difference at all. */
  readonly uncertain: boolean;
}

/** What the map is to draw. */
export interface Picture {
  readonly key: TableKey;
  readonly collection: Collection;
  readonly sector: Sector;
  readonly unit: Unit;
  readonly scale: Scale;
  readonly terms: readonly Term[];
  /** Columns that tiles must carry; null: the usual ones. */
  readonly columns: readonly string[] | null;
  readonly strengths: Strengths;
  readonly doubt: Doubt;
  /** What makes a place doubtful, whether or not such places are marked. */
  readonly doubted: Doubted;
  /** Values stand up: one of `largest` is `tallest` m high. Null: they lie flat. */
  readonly tall: { readonly largest: number; readonly tallest: number } | null;
  /** What is drawn is this value less another, in classes of its own. Null: the value itself. */
  readonly difference: { readonly less: Less; readonly scale: Scale } | null;
}

export interface Shown {
  /** The sector shown: the one chosen if the region has it. */
  readonly sector: ReadonlySignal<Sector>;
  /** Units that the active collection has numbers for. */
  readonly units: ReadonlySignal<readonly Unit[]>;
  readonly unit: ReadonlySignal<Unit>;
  /** Carriers, bases and methods that the sector can be shown by. */
  readonly partChoices: ReadonlySignal<PartChoices>;
  /** The part shown: the one chosen if the sector has it; null: all of it. */
  readonly part: ReadonlySignal<string | null>;
  readonly terms: ReadonlySignal<readonly Term[]>;
  /** How values are spread in every year of the collection. */
  readonly spread: ReadonlySignal<Loadable<Spread>>;
  /** The same in the year shown. */
  readonly distribution: ReadonlySignal<Loadable<Distribution>>;
  /** Classes that hold for all years. */
  readonly scale: ReadonlySignal<Scale | null>;
  readonly picture: ReadonlySignal<Picture | null>;
  readonly waiting: ReadonlySignal<boolean>;
}

export interface Known {
  readonly api: Api;
  readonly view: ReadonlySignal<View>;
  readonly ground: ReadonlySignal<Ground>;
  readonly region: ReadonlySignal<Region | null>;
  readonly year: ReadonlySignal<number | null>;
  readonly active: ReadonlySignal<Collection | null>;
  readonly attempt: ReadonlySignal<number>;
  readonly note: (result: Result<unknown>) => void;
}

/** Every place in the colour of the unknown: it can still be clicked, and its parts may be known. */
const NOTHING_KNOWN: Scale = { classes: [], zero: null };
/** Fine enough for a histogram. */
const QUANTILES = 201;
/** Strength of zero, and of what is faded, beside that of other values. */
const ZERO_PART = 0.5;
const FADED_PART = 0.35;
/** A column this many cells high reads as tall and does not hide the city behind it. */
const TALLEST_CELLS = 4;
/** The quantile of magnitudes that is given the full height: one giant must not flatten all others. */
const TALL_QUANTILE = 0.99;

interface Asked {
  readonly region: string;
  readonly edition: string;
  readonly collection: string;
  readonly years: readonly number[];
  readonly column: string;
  readonly unit: Unit;
}

async function spreadOf(api: Api, asked: Asked, cancel: AbortSignal): Promise<Result<Spread>> {
  const { years, column, unit, ...table } = asked;
  // Whichever year is shown, the question is the same: its answer serves them all.
  const result = await api.distributions(
    { ...table, year: years.at(-1) ?? 0 },
    column,
    unit,
    cancel,
    QUANTILES,
  );
  if (!result.ok) return result;
  return {
    ok: true,
    value: { pooled: pooled([...result.value.values()]), years: Object.fromEntries(result.value) },
  };
}

/** Typical side of a collection's places, m. */
function typicalSide({ cellSizeM, count }: Collection, { bbox }: Region): number {
  if (cellSizeM !== null) return cellSizeM;
  const degree = 111_320;
  const [west, south, east, north] = bbox;
  const area = (north - south) * (east - west) * degree ** 2 * Math.cos((north * Math.PI) / 180);
  return Math.sqrt(area / Math.max(count, 1));
}

/** Columns that tiles of a part of a sector carry. */
export function tileColumnsOf(columns: readonly string[], terms: readonly Term[]): string[] {
  const usual = ['held', 'area_ha', 'population'].filter((name) => columns.includes(name));
  const names = columns.filter((name) => name.startsWith('name_'));
  return [...usual, ...names, ...columnsOf(terms)];
}

export function createShown(known: Known): Shown {
  const { api, view, ground, region, year, active, attempt, note } = known;

  const table = () => {
    const here = region.value;
    const collection = active.value;
    return here && collection && year.value !== null
      ? { region: here.id, edition: here.edition, collection: collection.id, year: year.value }
      : null;
  };
  const asked = (column: string, unit: Unit): Asked | null => {
    const key = table();
    const years = active.value?.years ?? [];
    if (!key || !years.includes(key.year)) return null;
    return { region: key.region, edition: key.edition, collection: key.collection, years, column, unit };
  };

  // A region without counts of people has the column too, with nothing in it.
  const people = resource(
    () => (active.value?.columns.includes('population') ? table() : null),
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
  // Net is unknown wherever a sector is not covered: a region may know its sectors and no net at all.
  const net = resource(
    () => (chosen.value === null ? asked(emissionsColumn('net'), unit.value) : null),
    (key, cancel) => spreadOf(api, key, cancel),
    attempt,
    note,
  );
  const sector = computed<Sector>(() => {
    if (chosen.value !== null) return chosen.value;
    if (loaded(net.value)?.pooled.count !== 0) return 'net';
    return PARTS.find((part) => active.value?.sectors.includes(part)) ?? 'net';
  });

  const columns = computed(() => active.value?.columns ?? []);
  const choices = computed(() => partChoices(sector.value, columns.value));
  const part = computed(() =>
    termsOf(sector.value, view.value.part, columns.value) === null ? null : view.value.part,
  );
  const terms = computed(() => termsOf(sector.value, part.value, columns.value) ?? []);

  const asIs = computed(() => sector.value === 'net' && part.value === null && chosen.value === null);
  const own = resource(
    () => {
      if (net.value.state === 'loading' || asIs.value) return null;
      return asked(writtenTerms(terms.value), unit.value);
    },
    (key, cancel) => spreadOf(api, key, cancel),
    attempt,
    note,
  );
  // What was asked to find out whether net is known need not be asked again.
  const spread = computed(() => (asIs.value ? net.value : own.value));
  const distribution = computed<Loadable<Distribution>>(() => {
    const spreads = spread.value;
    if (spreads.state !== 'ready') return spreads;
    const value = spreads.value.years[year.value ?? 0];
    return value ? { state: 'ready', value } : { state: 'loading' };
  });
  // Each by itself: a camera move makes a new view, and must neither make classes anew nor redraw.
  const breaks = computed(() => view.value.breaks);
  const doubtChosen = computed(() => view.value.doubt);
  const mark = computed(() => view.value.mark);
  const doubted = computed<Doubted>(() => ({
    by: mark.value,
    sector: sector.value,
    parts: sectorsWithin(sector.value, columns.value),
  }));
  const only = computed(() => view.value.only);
  const opacity = computed(() => view.value.opacity);
  const tall = computed(() => view.value.tall);

  const scale = computed(() => {
    const spreads = loaded(spread.value);
    return spreads && THEMES[sector.value].scale(spreads.pooled, ground.value, breaks.value);
  });

  const tileColumns = computed(() => {
    if (part.value !== null) return tileColumnsOf(columns.value, terms.value);
    // Deviations are in every tile; shares of methods are not.
    if (doubtChosen.value === 'off' || mark.value === 'interval') return null;
    const marked = doubtColumns(doubted.value, columns.value);
    return [...new Set([...tileColumnsOf(columns.value, terms.value), ...marked])];
  });

  const picture = computed<Picture | null>(() => {
    const collection = active.value;
    const key = table();
    const here = region.value;
    const spreads = loaded(spread.value);
    if (!collection || !here || !key || !spreads || distribution.value.state !== 'ready') return null;
    // Standard deviations are published of sectors, not of their parts.
    const doubt = part.value === null ? doubtChosen.value : 'off';
    const full = opacity.value / 100;
    const sizes = spreads.pooled.quantiles.map(Math.abs).toSorted((a, b) => a - b);
    const largest = sizes.length > 0 ? quantileAt(sizes, TALL_QUANTILE) : 0;
    return {
      key,
      collection,
      sector: sector.value,
      unit: unit.value,
      scale: scale.value ?? NOTHING_KNOWN,
      terms: terms.value,
      columns: tileColumns.value,
      strengths: {
        full,
        zero: full * ZERO_PART,
        doubt: doubt === 'fade' ? { where: doubtful(doubted.value), part: FADED_PART } : null,
        only: only.value,
      },
      doubt,
      doubted: doubted.value,
      tall:
        tall.value && largest > 0
          ? { largest, tallest: TALLEST_CELLS * typicalSide(collection, here) }
          : null,
      difference: null,
    };
  });

  return {
    sector,
    units,
    unit,
    partChoices: choices,
    part,
    terms,
    spread,
    distribution,
    scale,
    picture,
    waiting: computed(() => [net.value, spread.value].some(({ state }) => state === 'loading')),
  };
}
