/** What the scenario panel asks the API. Each answer's shape is checked here. */
import type { Geometry } from 'geojson';
import type { Api, Properties, Result } from '../api';
import {
  flag,
  list,
  number,
  optional,
  pair,
  fields,
  record,
  scalar,
  ShapeError,
  table,
  text,
  type Decoder,
} from '../decode';
import { SECTORS, type Sector } from '../sectors';
import { queryOf, type Query, type Wire } from '../wire';
import { groundHa } from './ground_area';
import { placesIn, scenarioFrom, type Measure, type Saved, type Scenario } from './document';

type Of = '/api/{region}/scenarios';

/** A number behind measures. */
export interface Parameter {
  readonly id: string;
  readonly meaning: string;
  readonly unit: string;
  /** Null: a gap, which the reader fills. */
  readonly value: number | null;
  readonly minimum: number;
  readonly maximum: number;
  /** 95 %, where a distribution is known. */
  readonly range: readonly [low: number, high: number] | null;
  readonly source: string | null;
  readonly confidence: string;
  readonly status: string;
  readonly note: string | null;
}

export interface Catalogue {
  readonly stages: readonly string[];
  readonly kinds: Readonly<
    Record<
      string,
      {
        readonly stage: string;
        readonly about: string;
        /** What its costs are per; empty where it takes none. */
        readonly unit: string;
        /** Whether it takes longer than an answer may, so that a job works on it. */
        readonly long: boolean;
        readonly parameters: readonly string[];
        readonly shared: readonly string[];
      }
    >
  >;
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** The most measures a scenario may have. */
  readonly most: number;
  /** Transit stops that the edition itself tells. */
  readonly stops: number;
}

export type BySector = Readonly<Record<Sector, number>>;

export interface Effect {
  readonly id: string;
  readonly stage: string;
  readonly tco2e: number;
  readonly firstIn: number;
  readonly lastIn: number;
  readonly quantity: number;
  readonly unit: string;
  readonly costPerYear: number | null;
  readonly currency: string;
  readonly costPerTco2e: number | null;
}

export type Indicators = Readonly<Record<string, number | null>>;

export interface Outcome {
  readonly name: string;
  readonly net: number;
  readonly leaves: number;
  /** By year; empty where net is unknown. */
  readonly path: readonly number[];
}

/** What a scenario changes in all; tCO2e a year. */
export interface Summary {
  readonly edition: string;
  readonly collection: string;
  readonly baselineYear: number;
  readonly year: number;
  readonly digest: string;
  readonly illustrative: boolean;
  /** Null where the edition tells nothing of a sector; net then, too. */
  readonly baseline: Readonly<Record<Sector, number | null>>;
  readonly change: BySector;
  /** Over the sets of elasticities; no interval. */
  readonly range: readonly [low: number, high: number];
  /** 90 %; null where no samples were drawn. */
  readonly interval: readonly [low: number, high: number] | null;
  readonly years: readonly number[];
  readonly outcomes: readonly Outcome[];
  readonly target: number | null;
  readonly effects: readonly Effect[];
  readonly before: Indicators;
  readonly after: Indicators;
  readonly parameters: readonly Parameter[];
  readonly notes: readonly { readonly text: string; readonly illustrative: boolean }[];
}

/** A cell or zone with what changes there. */
export interface Place {
  readonly id: string;
  readonly geometry: Geometry;
  readonly properties: Properties;
}

export interface Places {
  readonly of: string;
  readonly total: number;
  readonly places: readonly Place[];
}

/** What is asked of a scenario, besides the scenario. */
export interface Asking {
  readonly region: string;
  readonly edition: string;
  readonly year: number;
}

/** As many as one answer gives. */
export const MOST_PLACES = 10_000;

const at = encodeURIComponent;
const root = (region: string) => `${at(region)}/scenarios`;

const parameter: Decoder<Parameter> = (value, path) => {
  const given = fields<Wire['ParameterOut']>(value, path);
  const low = given('low95', optional(number));
  const high = given('high95', optional(number));
  return {
    id: given('id', text),
    meaning: given('meaning', text),
    unit: given('unit', text),
    value: given('value', optional(number)),
    minimum: given('minimum', number),
    maximum: given('maximum', number),
    range: low !== null && high !== null ? [low, high] : null,
    source: given('source', optional(text)),
    confidence: given('confidence', text),
    status: given('status', text),
    note: given('note', optional(text)),
  };
};

export function decodeCatalogue(value: unknown, path: string): Catalogue {
  const given = fields<Wire['MeasuresOut']>(value, path);
  const kinds = given(
    'measures',
    list((entry, where) => {
      const one = fields<Wire['MeasureKindOut']>(entry, where);
      return [
        one('kind', text),
        {
          stage: one('stage', text),
          about: one('about', text),
          unit: one('unit', text),
          long: one('needs_process', flag),
          parameters: one('parameters', list(text)),
          shared: one('scenario_parameters', list(text)),
        },
      ] as const;
    }),
  );
  const parameters = given('parameters', list(parameter));
  return {
    stages: given('stages', list(text)),
    kinds: Object.fromEntries(kinds),
    parameters: Object.fromEntries(parameters.map((one) => [one.id, one])),
    most: given('limits', table(number)).measures ?? 0,
    stops: given('stops', number),
  };
}

export function askCatalogue(
  api: Api,
  { region, edition }: Asking,
  signal: AbortSignal,
): Promise<Result<Catalogue>> {
  return api.ask(
    `${root(region)}/measures?${queryOf<`${Of}/measures`>({ edition })}`,
    decodeCatalogue,
    signal,
  );
}

const bySector: Decoder<BySector> = (value, path) => {
  const given = record(value, path);
  const of = (sector: Sector) => number(given[sector], `${path}.${sector}`);
  return { net: of('net'), buildings: of('buildings'), transport: of('transport'), forest: of('forest') };
};

const bySectorKnown: Decoder<Summary['baseline']> = (value, path) => {
  const given = record(value, path);
  const of = (sector: Sector) => optional(number)(given[sector], `${path}.${sector}`);
  return { net: of('net'), buildings: of('buildings'), transport: of('transport'), forest: of('forest') };
};

const effect: Decoder<Effect> = (value, path) => {
  const given = fields(value, path);
  return {
    id: given('id', text),
    stage: given('stage', text),
    tco2e: given('tco2e', number),
    firstIn: given('first_in_tco2e', number),
    lastIn: given('last_in_tco2e', number),
    quantity: given('quantity', number),
    unit: given('unit', text),
    costPerYear: given('cost_per_year', optional(number)),
    currency: given('currency', optional(text)) ?? '',
    costPerTco2e: given('cost_per_tco2e', optional(number)),
  };
};

/** The numbers among what is told of a form. */
const indicators: Decoder<Indicators> = (value, path) =>
  Object.fromEntries(
    Object.entries(record(value, path)).flatMap(([name, entry]) =>
      entry === null || typeof entry === 'number' ? [[name, entry] as const] : [],
    ),
  );

export function decodeSummary(value: unknown, path: string): Summary {
  const given = record<Wire['ResultOut']>(value, path);
  const where = `${path}.result`;
  const result = record(given.result, where);
  return {
    edition: text(given.edition, `${path}.edition`),
    collection: text(given.collection, `${path}.collection`),
    baselineYear: number(given.baseline_year, `${path}.baseline_year`),
    digest: text(given.digest, `${path}.digest`),
    year: number(result.year, `${where}.year`),
    illustrative: flag(result.illustrative, `${where}.illustrative`),
    baseline: bySectorKnown(result.baseline_tco2e, `${where}.baseline_tco2e`),
    change: bySector(result.change_tco2e, `${where}.change_tco2e`),
    range: pair(result.range_tco2e, `${where}.range_tco2e`),
    interval: optional((entry, inner) => pair(record(entry, inner).tco2e, `${inner}.tco2e`))(
      result.interval,
      `${where}.interval`,
    ),
    years: list(number)(result.years, `${where}.years`),
    outcomes: Object.entries(record(result.sets, `${where}.sets`)).map(([name, entry]) => {
      const inner = `${where}.sets.${name}`;
      const one = fields(entry, inner);
      return {
        name,
        net: one('change_tco2e', bySector).net,
        leaves: one('leaves_tco2e', number),
        path: one('path_tco2e', list(optional(number))).filter((net) => net !== null),
      };
    }),
    target: optional(number)(result.target_tco2e, `${where}.target_tco2e`),
    effects: list(effect)(result.measures, `${where}.measures`),
    before: indicators(record(result.indicators, `${where}.indicators`).before, `${where}.indicators.before`),
    after: indicators(record(result.indicators, `${where}.indicators`).after, `${where}.indicators.after`),
    parameters: list(parameter)(result.parameters, `${where}.parameters`),
    notes: list((entry, inner) => {
      const note = fields(entry, inner);
      return {
        text: note('text', text),
        illustrative: note('illustrative', flag),
      };
    })(result.notes, `${where}.notes`),
  };
}

/** What a scenario changes in all. */
export function askSummary(
  api: Api,
  { region, edition, year }: Asking,
  scenario: Scenario,
  samples: number,
  signal: AbortSignal,
): Promise<Result<Summary>> {
  const query = queryOf<`${Of}/results`>({ edition, year, samples });
  return api.ask(`${root(region)}/results?${query}`, decodeSummary, signal, {
    body: JSON.stringify(scenario),
  });
}

const place: Decoder<Place> = (value, path) => {
  const given = record<Wire['PlaceOut']>(value, path);
  text(record(given.geometry, `${path}.geometry`).type, `${path}.geometry.type`);
  const geometry = given.geometry as Geometry;
  // A null is an absent property in a tile, and on the map the two must be one.
  const told = Object.entries(table(scalar)(given.properties, `${path}.properties`)).filter(
    ([, entry]) => entry !== null,
  );
  const id = text(given.id, `${path}.id`);
  return { id, geometry, properties: { ...Object.fromEntries(told), id, area_ha: groundHa(geometry) } };
};

export function decodePlaces(value: unknown, path: string): Places {
  const given = fields<Wire['PlacesOut']>(value, path);
  return {
    of: given('of', text),
    total: given('numberMatched', number),
    places: given('features', list(place)),
  };
}

/**
 * The cells of a scenario's result.
 *
 * @param of another collection whose places are told instead; null: the grid that the scenario runs on
 */
export function askPlaces(
  api: Api,
  { region, edition, year }: Asking,
  scenario: Scenario,
  of: string | null,
  signal: AbortSignal,
): Promise<Result<Places>> {
  const asked: Query<`${Of}/results/items`> = { edition, year, limit: MOST_PLACES };
  const query = queryOf<`${Of}/results/items`>(of === null ? asked : { ...asked, of });
  return api.ask(`${root(region)}/results/items?${query}`, decodePlaces, signal, {
    body: JSON.stringify(scenario),
  });
}

/** The cells of a result that is remembered, by its digest. */
export function askPlacesOf(
  api: Api,
  { region, edition }: Asking,
  digest: string,
  of: string | null,
  signal: AbortSignal,
): Promise<Result<Places>> {
  const asked: Query<`${Of}/results/{digest}/items`> = { edition, limit: MOST_PLACES };
  const query = queryOf<`${Of}/results/{digest}/items`>(of === null ? asked : { ...asked, of });
  return api.ask(`${root(region)}/results/${at(digest)}/items?${query}`, decodePlaces, signal);
}

/** A scenario as the server keeps it. */
export interface Kept extends Saved {
  readonly latest: number;
  /** On which it was saved. */
  readonly edition: string;
  readonly scenario: Scenario;
}

export function decodeKept(value: unknown, path: string): Kept {
  const given = record<Wire['SavedOut']>(value, path);
  const scenario = scenarioFrom(given.scenario);
  if (!scenario) throw new ShapeError(`${path}.scenario`, 'a scenario', given.scenario);
  return {
    id: text(given.id, `${path}.id`),
    version: number(given.version, `${path}.version`),
    latest: number(given.latest, `${path}.latest`),
    edition: text(given.edition, `${path}.edition`),
    scenario,
  };
}

export function askKept(
  api: Api,
  { region }: Pick<Asking, 'region'>,
  { id, version }: Saved,
  signal: AbortSignal,
): Promise<Result<Kept>> {
  const query = queryOf<`${Of}/{scenario}`>({ version });
  return api.ask(`${root(region)}/${at(id)}?${query}`, decodeKept, signal);
}

/** Keep a scenario on the server, with the edition it was worked out on: a new one, or the next version of another. */
export function keep(
  api: Api,
  { region, edition }: Pick<Asking, 'region' | 'edition'>,
  scenario: Scenario,
  follows: Saved | null,
  key: string,
  signal: AbortSignal,
): Promise<Result<Kept>> {
  const query = queryOf<Of>({ edition });
  const path = follows
    ? `${root(region)}/${at(follows.id)}?follows=${follows.version}&${query}`
    : `${root(region)}?${query}`;
  return api.ask(path, decodeKept, signal, {
    body: JSON.stringify(scenario),
    method: follows ? 'PUT' : 'POST',
    key,
  });
}

/** Net in the scenario's year; null where it is unknown today. */
export function netAfter({ baseline, change }: Pick<Summary, 'baseline' | 'change'>): number | null {
  return baseline.net === null ? null : baseline.net + change.net;
}

/** Net of a year up to the scenario's own, by its path; null where it is unknown. */
export function netIn(
  summary: Pick<Summary, 'baseline' | 'change' | 'year' | 'years' | 'outcomes'>,
  year: number,
): number | null {
  if (year === summary.year) return netAfter(summary);
  return summary.outcomes[0]?.path[summary.years.indexOf(year)] ?? null;
}

/** The sectors of which a result tells a change. */
export function changedSectors({ change, baseline }: Summary): Sector[] {
  return SECTORS.filter(
    (sector) => sector !== 'net' && (change[sector] !== 0 || (baseline[sector] ?? 0) !== 0),
  );
}

/** The effect of a measure; null while the result is of another scenario. */
export function effectOf(summary: Summary | null, { id }: Measure): Effect | null {
  return summary?.effects.find((one) => one.id === id) ?? null;
}

/** Today's transit stops: how many, and whether the reader's marks are taken for them; those replace the edition's. */
export function stopsToday(
  scenario: Scenario,
  { stops }: Pick<Catalogue, 'stops'>,
): { readonly count: number; readonly marked: boolean; readonly mayMark: boolean } {
  const { length } = placesIn(scenario.stops);
  return { count: length || stops, marked: length > 0, mayMark: stops === 0 };
}
