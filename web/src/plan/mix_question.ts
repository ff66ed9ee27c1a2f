/** The best mix: what is asked of the optimiser, and what it answers. Shapes are checked here. */
import type { Geometry } from 'geojson';
import type { Collection, Properties } from '../api';
import {
  flag,
  list,
  number,
  optional,
  fields,
  record,
  ShapeError,
  table,
  text,
  type Decoder,
} from '../decode';
import { areaOf, scenarioFrom, type Json, type Measure, type Scenario } from '../scenario/document';
import { amountOf, fresh, knobsOf, type Kind } from '../scenario/kinds';
import { groundHa } from '../scenario/ground_area';
import type { Measured } from '../state';

/** Kinds of measures that places can choose one by one. */
export const CHOICES = [
  'retrofit',
  'heat_pump',
  'rooftop_pv',
  'electric_vehicles',
  'modal_shift',
  'freight',
  'street_trees',
  'park',
  'afforestation',
] as const satisfies readonly Kind[];

/** What may be asked at most. */
export const MOST_CHOOSING = 500;
/** Parts of the most of a measure that a place may take. */
const LEVELS = [1 / 3, 2 / 3, 1];
const BUDGETS = 7;
const SURE = 0.9;

export interface MixForm {
  readonly goal: 'target' | 'budget';
  /** Part of the places' net emissions that is to be saved. */
  readonly share: number;
  /** A year, at most; null: not said. */
  readonly budget: number | null;
  /** Collection whose places choose; null: the one that suits. */
  readonly places: string | null;
  /** Measures that may be taken, each with the most of it, and with costs once they are said. */
  readonly candidates: readonly Measure[];
  /** Empty: the region's, if that is known. */
  readonly currency: string;
  /** Where nothing may change. */
  readonly still: Measured | null;
  readonly measuresPerPlace: number | null;
  readonly costPerPlace: number | null;
  /** Spending per head of each place, in times the region's. */
  readonly least: number | null;
  readonly most: number | null;
  /** Whether the target is to be kept in nine of ten samples. */
  readonly sure: boolean;
}

export function freshMixForm(): MixForm {
  return {
    goal: 'target',
    share: 0.05,
    budget: null,
    places: null,
    candidates: [],
    currency: '',
    still: null,
    measuresPerPlace: null,
    costPerPlace: null,
    least: null,
    most: null,
    sure: false,
  };
}

/** Collections whose places can choose: fewer than the optimiser takes, and coarser than the cells that effects are of. */
export function choosing(collections: readonly Collection[], grid: string | null): readonly Collection[] {
  const size = collections.find(({ id }) => id === grid)?.cellSizeM ?? 500;
  return collections
    .filter(
      ({ count, kind, cellSizeM }) => count <= MOST_CHOOSING && (kind !== 'grid' || (cellSizeM ?? 0) > size),
    )
    .toSorted((a, b) => Number(b.kind === 'zones') - Number(a.kind === 'zones') || b.count - a.count);
}

/** A measure that may be taken, before its costs are said. */
export function candidate(kind: Kind, known: Measure | undefined): Measure {
  const made = fresh(kind, kind, undefined);
  const { costs, parameters, start, ramp_years: ramp } = known ?? {};
  const [knob] = knobsOf(kind);
  return {
    ...made,
    ...(knob?.field === 'level' ? { level: 0.6 } : {}),
    ...(costs ? { costs } : {}),
    ...(parameters ? { parameters } : {}),
    ...(start === undefined ? {} : { start }),
    ...(ramp === undefined ? {} : { ramp_years: ramp }),
  };
}

function levelsOf(measure: Measure): { readonly measure: Measure; readonly levels: readonly number[] } {
  const [knob] = knobsOf(measure.kind);
  if (!knob) return { measure, levels: [] };
  const most = amountOf(measure, knob);
  const rest = Object.fromEntries(Object.entries(measure).filter(([field]) => field !== knob.field));
  return {
    measure: rest as Measure,
    levels: LEVELS.map((part) => Number((part * most).toPrecision(6))).filter((level) => level > 0),
  };
}

/** Inputs of the process. */
export function mixInputs(form: MixForm, scenario: Scenario, places: string, baselineYear: number): object {
  const area = form.still?.kind === 'outline' ? areaOf(form.still) : undefined;
  const limits = {
    ...(form.measuresPerPlace === null ? {} : { measures_per_zone: form.measuresPerPlace }),
    ...(form.costPerPlace === null ? {} : { cost_per_zone: form.costPerPlace }),
  };
  const fair = form.least !== null || form.most !== null;
  return {
    year: scenario.year,
    baseline_year: baselineYear,
    zones: places,
    ...(form.goal === 'target' ? { target_share: form.share } : { budget: form.budget ?? 0 }),
    candidates: form.candidates.map((one) =>
      levelsOf(one.costs ? { ...one, costs: { ...one.costs, currency: form.currency } } : one),
    ),
    ...(form.still?.kind === 'items' ? { unchanged: form.still.ids } : {}),
    ...(area && 'polygon' in area ? { unchanged_area: { type: 'Polygon', coordinates: area.polygon } } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
    ...(fair ? { fairness: { low: form.least ?? 0, high: form.most } } : {}),
    ...(form.sure && form.goal === 'target' ? { robust: { share: SURE } } : {}),
    frontier: BUDGETS,
    ...(scenario.parameters === undefined ? {} : { parameters: scenario.parameters as Json }),
  };
}

/** What a measure comes to in all places together. */
export interface MixMeasure {
  readonly id: string;
  readonly kind: string;
  readonly saved: number;
  readonly firstIn: number;
  readonly lastIn: number;
  readonly cost: number;
  /** Places that take it. */
  readonly places: number;
}

export interface MixPlace {
  readonly id: string;
  readonly geometry: Geometry;
  /** Names. */
  readonly properties: Properties;
  readonly areaHa: number;
  readonly saved: number;
  readonly cost: number;
  /** By measure: a share, hectares or trees. */
  readonly levels: Readonly<Record<string, number>>;
  readonly unchanged: boolean;
}

/** A step of the marginal curve. */
export interface Step {
  readonly saved: number;
  readonly unitCost: number;
}

export interface Point {
  readonly cost: number;
  readonly saved: number;
}

export interface Sure {
  readonly cost: number;
  /** Part of the samples, none of which took part in choosing, that keep the target. */
  readonly share: number;
  readonly asked: number;
}

export interface Mix {
  readonly edition: string;
  readonly year: number;
  readonly baselineYear: number;
  readonly collection: string;
  readonly illustrative: boolean;
  readonly target: number | null;
  readonly budget: number | null;
  readonly saved: number;
  readonly cost: number;
  /** As `CHF`. */
  readonly currency: string;
  readonly estimated: number;
  /** Between estimate and full simulation, as a part. */
  readonly difference: number;
  readonly agrees: boolean;
  readonly gap: number;
  readonly stopped: boolean;
  readonly measures: readonly MixMeasure[];
  readonly places: readonly MixPlace[];
  readonly curve: readonly Step[];
  readonly frontier: readonly Point[];
  readonly sure: Sure | null;
  readonly scenario: Scenario;
  readonly notes: readonly string[];
}

const finite: Decoder<number> = (value, path) => optional(number)(value, path) ?? 0;

const measure: Decoder<MixMeasure> = (value, path) => {
  const given = fields(value, path);
  return {
    id: given('id', text),
    kind: given('kind', text),
    saved: given('saved_tco2e', number),
    firstIn: given('first_in_tco2e', number),
    lastIn: given('last_in_tco2e', number),
    cost: given('cost', number),
    places: given('zones', number),
  };
};

/** Texts of a feature by which it is named. */
export function namesIn(properties: Readonly<Record<string, unknown>>): Properties {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([key, entry]) =>
      key.startsWith('name_') && typeof entry === 'string' ? [[key, entry] as const] : [],
    ),
  );
}

/** A feature's id, geometry and what is told of it. */
export function feature(value: unknown, path: string) {
  const given = record(value, path);
  const id = text(given.id, `${path}.id`);
  text(record(given.geometry, `${path}.geometry`).type, `${path}.geometry.type`);
  const geometry = given.geometry as Geometry;
  const told = record(given.properties, `${path}.properties`);
  return { id, geometry, told, areaHa: groundHa(geometry) };
}

const place: Decoder<MixPlace> = (value, path) => {
  const { id, geometry, told, areaHa } = feature(value, path);
  return {
    id,
    geometry,
    properties: namesIn(told),
    areaHa,
    saved: finite(told.saved_tco2e, `${path}.saved_tco2e`),
    cost: finite(told.cost, `${path}.cost`),
    levels: table(number)(told.levels, `${path}.levels`),
    unchanged: flag(told.unchanged, `${path}.unchanged`),
  };
};

const step: Decoder<Step> = (value, path) => {
  const given = fields(value, path);
  return {
    saved: given('saved_tco2e', number),
    unitCost: given('cost_per_tco2e', number),
  };
};

const point: Decoder<Point> = (value, path) => {
  const given = fields(value, path);
  return {
    cost: given('cost', number),
    saved: given('saved_tco2e', number),
  };
};

const sure: Decoder<Sure> = (value, path) => {
  const given = fields(value, path);
  return {
    cost: given('cost', number),
    share: given('held_out_share', number),
    asked: SURE,
  };
};

export function decodeMix(value: unknown, path: string): Mix {
  const given = record(value, path);
  const of = record(given.portfolio, `${path}.portfolio`);
  const goal = record(given.goal, `${path}.goal`);
  const scenario = scenarioFrom(given.scenario);
  if (!scenario) throw new ShapeError(`${path}.scenario`, 'a scenario', given.scenario);
  const portfolio = (name: string) => number(of[name], `${path}.portfolio.${name}`);
  return {
    edition: text(given.edition, `${path}.edition`),
    year: number(given.year, `${path}.year`),
    baselineYear: number(given.baseline_year, `${path}.baseline_year`),
    collection: text(given.zones, `${path}.zones`),
    illustrative: flag(given.result_illustrative, `${path}.result_illustrative`),
    target: optional(number)(goal.target_tco2e, `${path}.goal.target_tco2e`),
    budget: optional(number)(goal.budget, `${path}.goal.budget`),
    saved: portfolio('saved_tco2e'),
    cost: portfolio('cost'),
    // Answers kept from before it was told apart have it in their unit only.
    currency:
      optional(text)(of.currency, `${path}.portfolio.currency`) ??
      text(of.cost_unit, `${path}.portfolio.cost_unit`).replace(/ a year$/, ''),
    estimated: portfolio('estimated_tco2e'),
    difference: portfolio('difference'),
    agrees: flag(of.agrees, `${path}.portfolio.agrees`),
    gap: portfolio('gap'),
    // By its gap is as it should be; by time or by somebody, better may be had.
    stopped: text(of.stopped, `${path}.portfolio.stopped`) !== 'gap',
    measures: list(measure)(given.measures, `${path}.measures`),
    places: list(place)(record(given.places, `${path}.places`).features, `${path}.places.features`),
    curve: list(step)(given.curve, `${path}.curve`),
    frontier: list(point)(given.frontier, `${path}.frontier`),
    sure: optional(sure)(given.robust, `${path}.robust`),
    scenario,
    notes: Object.values(table(text)(given.notes, `${path}.notes`)),
  };
}
