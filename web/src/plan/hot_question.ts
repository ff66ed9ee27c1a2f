/** Where to act: what is asked of the search for hot places, and what it finds. Shapes are checked here. */
import type { Geometry } from 'geojson';
import type { Collection, Properties } from '../api';
import { flag, list, number, optional, record, table, text, type Decoder } from '../decode';
import type { Scenario } from '../scenario/document';
import type { Sector } from '../sectors';
import { feature } from './mix_question';

export const COUNTED = ['emissions', 'net', 'buildings', 'transport', 'forest'] as const;

/** What zones could save by: nothing, the common programme, or the scenario in sight. */
export const PROGRAMMES = ['common', 'own', 'none'] as const;
export type Programme = (typeof PROGRAMMES)[number];

export interface HotForm {
  readonly sector: 'emissions' | Sector;
  /** Collection that zones are made of; null: the one with the most. */
  readonly zones: string | null;
  /** Who is a neighbour, m; null: cells that touch. */
  readonly band: number | null;
  readonly allYears: boolean;
  readonly programme: Programme;
}

export function freshHotForm(): HotForm {
  return { sector: 'emissions', zones: null, band: null, allYears: true, programme: 'common' };
}

/** Years beside the baseline's that are looked at. */
const MOST_YEARS = 4;
/** As the command line asks: half of the buildings insulated, heat pumps and electric cars for three in ten. */
const COMMON: Scenario['measures'] = [
  { id: 'retrofit', kind: 'retrofit', level: 0.5 },
  { id: 'heat_pump', kind: 'heat_pump', level: 0.3 },
  { id: 'electric_vehicles', kind: 'electric_vehicles', level: 0.3 },
];

/** Zone sets that candidates can be made of, those with the most zones first. */
export function zoneSets(collections: readonly Collection[]): readonly Collection[] {
  return collections.filter(({ kind }) => kind === 'zones').toSorted((a, b) => b.count - a.count);
}

/** Inputs of the process. */
export function hotInputs(
  form: HotForm,
  scenario: Scenario,
  zones: string,
  year: number,
  years: readonly number[],
): object {
  const programme = { year: scenario.year, measures: COMMON };
  const savings = { common: programme, own: scenario, none: null }[form.programme];
  return {
    zones,
    year,
    sector: form.sector,
    ...(form.band === null ? {} : { band_m: form.band }),
    ...(form.allYears ? { years: years.filter((one) => one < year).slice(-MOST_YEARS) } : {}),
    ...(savings === null ? {} : { savings }),
  };
}

export interface HotCell {
  readonly id: string;
  readonly geometry: Geometry;
  readonly intensity: number | null;
  /** Gi* as a standard score. */
  readonly score: number | null;
  /** hot, cold, or none: then only local Moran's pattern is significant. */
  readonly spot: string;
  readonly pattern: string;
  /** That it truly is among the top tenth. */
  readonly probability: number | null;
  /** In how many of the bands and years it is hot, as a part. */
  readonly stability: number | null;
}

/** Zones that may be managed together. */
export interface HotZone {
  readonly id: string;
  readonly geometry: Geometry;
  readonly rank: number;
  readonly members: readonly string[];
  /** Of each member, by language. */
  readonly names: readonly Properties[];
  readonly hotCells: number;
  readonly areaHa: number;
  readonly emissions: number | null;
  readonly hotShare: number | null;
  readonly caught: number | null;
  readonly probability: number | null;
  readonly savings: number | null;
}

export interface Hot {
  readonly edition: string;
  readonly of: string;
  readonly year: number;
  readonly sector: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly bands: readonly number[];
  readonly years: readonly number[];
  readonly bandAgreement: number | null;
  readonly yearAgreement: number | null;
  readonly cells: readonly HotCell[];
  readonly zones: readonly HotZone[];
  /** Whether what zones could save rests on numbers of no publication. */
  readonly savingsIllustrative: boolean;
  readonly notes: readonly string[];
}

const maybe = optional(number);

const cell: Decoder<HotCell> = (value, path) => {
  const { id, geometry, told } = feature(value, path);
  const of = (name: string) => maybe(told[name], `${path}.${name}`);
  return {
    id,
    geometry,
    intensity: of('intensity_t_ha'),
    score: of('gi_z'),
    spot: text(told.spot, `${path}.spot`),
    pattern: text(told.pattern, `${path}.pattern`),
    probability: of('top_probability'),
    stability: of('stability'),
  };
};

const zone: Decoder<HotZone> = (value, path) => {
  const { id, geometry, told } = feature(value, path);
  const of = (name: string) => maybe(told[name], `${path}.${name}`);
  const members = list(text)(told.members, `${path}.members`);
  const named = Object.entries(told).filter(([key]) => key.startsWith('name_'));
  return {
    id,
    geometry,
    rank: number(told.rank, `${path}.rank`),
    members,
    names: members.map((_, index) =>
      Object.fromEntries(
        named.flatMap(([key, each]) => {
          const name = list(optional(text))(each, `${path}.${key}`)[index];
          return typeof name === 'string' ? [[key, name] as const] : [];
        }),
      ),
    ),
    hotCells: number(told.hot_cells, `${path}.hot_cells`),
    areaHa: number(told.area_ha, `${path}.area_ha`),
    emissions: of('emissions_tco2e'),
    hotShare: of('hot_share'),
    caught: of('caught_share'),
    probability: of('probability'),
    savings: of('savings_tco2e'),
  };
};

export function decodeHot(value: unknown, path: string): Hot {
  const given = record(value, path);
  const steady = record(given.stability, `${path}.stability`);
  const features = <T>(name: 'cells' | 'zones', each: Decoder<T>) =>
    list(each)(record(given[name], `${path}.${name}`).features, `${path}.${name}.features`);
  return {
    edition: text(given.edition, `${path}.edition`),
    of: text(given.of, `${path}.of`),
    year: number(given.baseline_year, `${path}.baseline_year`),
    sector: text(given.sector, `${path}.sector`),
    counts: table(number)(given.counts, `${path}.counts`),
    bands: list(number)(steady.bands_m, `${path}.stability.bands_m`),
    years: list(number)(steady.years, `${path}.stability.years`),
    bandAgreement: maybe(steady.band_agreement, `${path}.stability.band_agreement`),
    yearAgreement: maybe(steady.year_agreement, `${path}.stability.year_agreement`),
    cells: features('cells', cell),
    zones: features('zones', zone),
    savingsIllustrative: flag(given.savings_illustrative, `${path}.savings_illustrative`),
    notes: [
      ...Object.values(table(text)(given.notes, `${path}.notes`)),
      ...list((note, at) => text(record(note, at).text, `${at}.text`))(
        given.savings_notes,
        `${path}.savings_notes`,
      ),
    ],
  };
}
