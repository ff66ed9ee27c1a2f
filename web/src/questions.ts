/** What panels ask the API: series, ranks, places, sums and pages of a table. Each answer's shape is checked here. */
import { decodeItem, type Api, type Item, type Properties, type Result, type TableKey } from './api';
import {
  bbox,
  flag,
  list,
  localised,
  number,
  optional,
  pair,
  fields,
  record,
  ShapeError,
  table,
  text,
  type BBox,
  type Localised,
} from './decode';
import {
  isOneOf,
  METHODS,
  PARTS,
  SECTORS,
  type Basis,
  type Method,
  type Part,
  type Sector,
  type Unit,
} from './sectors';
import { queryOf, type Wire } from './wire';

/** Values of one item over the years, one per year; null: not known. */
interface Series {
  readonly years: readonly number[];
  readonly held: readonly (boolean | null)[];
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
}

/** Where an item stands among its peers. */
export interface Standing {
  /** Null: its own value is not known. */
  readonly rank: number | null;
  readonly ties: number;
  /** Peers whose value is known. */
  readonly of: number;
}

/** A place that a search found. */
export interface Found {
  readonly id: string;
  readonly collection: string;
  readonly title: Localised;
  readonly name: Localised;
  readonly bbox: BBox;
}

interface Finding {
  readonly understood: string;
  readonly more: boolean;
  readonly places: readonly Found[];
}

/** One sector over an area, or net. */
interface SectorSum {
  readonly sector: Sector;
  readonly tco2e: number | null;
  readonly unknown: number;
  readonly interval: readonly [low: number, high: number] | null;
  readonly carriers: readonly {
    readonly carrier: string;
    readonly basis: string;
    readonly tco2e: number | null;
  }[];
  readonly bases: Readonly<Partial<Record<Basis, number | null>>>;
  readonly methods: Readonly<Record<Method, number>> | null;
  readonly coverage: number | null;
  readonly perHa: number | null;
  readonly perPerson: number | null;
  readonly illustrative: boolean;
}

/** What an area holds, from the published values of the cells in it. */
export interface Statistics {
  readonly collection: string;
  readonly year: number;
  readonly rows: number;
  /** Cells that lie in it only in part. */
  readonly partly: number;
  readonly held: number;
  readonly areaHa: number;
  readonly drawnHa: number | null;
  readonly population: number | null;
  readonly sectors: readonly SectorSum[];
  readonly profile: readonly {
    readonly year: number;
    readonly tco2e: Readonly<Record<string, number | null>>;
    /** 90 %, at least as wide as they should be; null: not known. */
    readonly intervals: Readonly<Record<string, readonly [low: number, high: number] | null>>;
  }[];
}

export interface Page {
  readonly items: readonly Item[];
  /** Items in the whole table. */
  readonly total: number;
}

/** An assumption of the region, made where no published value was found. */
export interface Assumption {
  readonly id: string;
  /** One number without a name, or several by their names. */
  readonly values: readonly (readonly [name: string, value: number])[];
  readonly low: number | null;
  readonly high: number | null;
  readonly unit: string | null;
  readonly author: string | null;
  readonly reason: string | null;
}

type Of = '/api/{region}';
type InCollection = `${Of}/collections/{collection}`;
type TimeseriesOf = `${InCollection}/timeseries`;
type RankingOf = `${InCollection}/ranking`;
type ItemsOf = `${InCollection}/items`;
type SearchOf = `${Of}/search`;
type StatisticsOf = `${Of}/statistics`;
type FactorsOf = `${Of}/factors`;

const at = encodeURIComponent;
const pathOf = ({ region, collection }: Pick<TableKey, 'region' | 'collection'>) =>
  `${at(region)}/collections/${at(collection)}`;

function decodeSeries(value: unknown, path: string): Series {
  const given = record<Wire['TimeseriesOut']>(value, path);
  const [one] = list((entry, where) => {
    const item = fields<Wire['Series']>(entry, where);
    return {
      held: item('held', list(optional(flag))),
      values: item('values', table(list(optional(number)))),
    };
  })(given.series, `${path}.series`);
  if (!one) throw new ShapeError(`${path}.series`, 'one series', given.series);
  return { years: list(number)(given.years, `${path}.years`), ...one };
}

export function askSeries(api: Api, key: TableKey, id: string, signal: AbortSignal): Promise<Result<Series>> {
  return api.ask(
    `${pathOf(key)}/timeseries?${queryOf<TimeseriesOf>({ edition: key.edition, ids: id })}`,
    decodeSeries,
    signal,
  );
}

function decodeStanding(value: unknown, path: string): Standing {
  const given = fields<Wire['RankingOut']>(value, path);
  const item = given('item', optional(record<Wire['RankedOut']>));
  return {
    rank: item && number(item.rank, `${path}.item.rank`),
    ties: item ? number(item.ties, `${path}.item.ties`) : 0,
    of: given('peers', number) - given('unknown', number),
  };
}

/**
 * Rank of one item by a column.
 *
 * @param asked.parent only items within this item of the parent collection are peers; null: all are
 */
export function askStanding(
  api: Api,
  key: TableKey,
  id: string,
  asked: {
    readonly column: string;
    readonly unit: Unit;
    readonly order: 'desc' | 'asc';
    readonly parent: string | null;
  },
  signal: AbortSignal,
): Promise<Result<Standing>> {
  const query = queryOf<RankingOf>({
    edition: key.edition,
    year: key.year,
    column: asked.column,
    unit: asked.unit,
    order: asked.order,
    limit: 1,
    item: id,
    ...(asked.parent === null ? {} : { parent: asked.parent }),
  });
  return api.ask(`${pathOf(key)}/ranking?${query}`, decodeStanding, signal);
}

function decodeFound(value: unknown, path: string): Found {
  const given = fields<Wire['FoundOut']>(value, path);
  const properties = given('properties', record);
  return {
    id: given('id', text),
    collection: text(properties.collection, `${path}.properties.collection`),
    title: localised(properties.title, `${path}.properties.title`),
    name: localised(properties.name, `${path}.properties.name`),
    bbox: given('bbox', bbox),
  };
}

function decodeFinding(value: unknown, path: string): Finding {
  const given = fields<Wire['SearchOut']>(value, path);
  return {
    understood: given('understood', text),
    more: given('more', flag),
    places: given('features', list(decodeFound)),
  };
}

/** Places by name, code or coordinates. */
export function askPlaces(
  api: Api,
  { region, edition }: Pick<TableKey, 'region' | 'edition'>,
  words: string,
  limit: number,
  signal: AbortSignal,
): Promise<Result<Finding>> {
  return api.ask(
    `${at(region)}/search?${queryOf<SearchOf>({ edition, q: words, limit })}`,
    decodeFinding,
    signal,
  );
}

function decodeSum(value: unknown, path: string): SectorSum[] {
  const given = fields<Wire['SectorOut']>(value, path);
  const sector = given('sector', text);
  if (!isOneOf(SECTORS, sector)) return []; // A sector that this page does not know yet.
  const methods = given('methods', table(optional(number)));
  return [
    {
      sector,
      tco2e: given('tco2e', optional(number)),
      unknown: given('unknown', number),
      interval: given('interval_90', optional(pair)),
      carriers: given(
        'by_carrier',
        list((entry, where) => {
          const part = fields<Wire['PartOut']>(entry, where);
          return {
            carrier: part('carrier', text),
            basis: part('basis', text),
            tco2e: part('tco2e', optional(number)),
          };
        }),
      ),
      bases: given('by_basis', table(optional(number))),
      methods: METHODS.some((method) => (methods[method] ?? 0) > 0)
        ? {
            metered: methods.metered ?? 0,
            modelled: methods.modelled ?? 0,
            default: methods.default ?? 0,
          }
        : null,
      coverage: given('coverage', optional(number)),
      perHa: given('t_per_ha', optional(number)),
      perPerson: given('t_per_person', optional(number)),
      illustrative: given('illustrative', flag),
    },
  ];
}

function decodeStatistics(value: unknown, path: string): Statistics {
  const given = fields<Wire['StatisticsOut']>(value, path);
  return {
    collection: given('collection', text),
    year: given('year', number),
    rows: given('rows', number),
    partly: given('partly', number),
    held: given('held', number),
    areaHa: given('area_ha', number),
    drawnHa: given('drawn_ha', optional(number)),
    population: given('population', optional(number)),
    sectors: given('sectors', list(decodeSum)).flat(),
    profile:
      given(
        'profile',
        optional(
          list((entry, where) => {
            const one = fields<Wire['YearTotals']>(entry, where);
            return {
              year: one('year', number),
              tco2e: one('tco2e', table(optional(number))),
              intervals: one('interval_90', table(optional(pair))),
            };
          }),
        ),
      ) ?? [],
  };
}

/**
 * What an area holds, with the totals of every year.
 *
 * @param asked a GeoJSON polygon, or a collection and ids of it
 */
export function askStatistics(
  api: Api,
  { region, edition, year }: Pick<TableKey, 'region' | 'edition' | 'year'>,
  asked: object,
  signal: AbortSignal,
): Promise<Result<Statistics>> {
  const query = queryOf<StatisticsOf>({ edition, year, profile: true });
  return api.ask(`${at(region)}/statistics?${query}`, decodeStatistics, signal, {
    body: JSON.stringify(asked),
  });
}

function decodePage(value: unknown, path: string): Page {
  const given = fields<Wire['FeatureCollection']>(value, path);
  return {
    items: given('features', list(decodeItem)),
    total: given('numberMatched', number),
  };
}

/** Some rows of a table in an order, without their outlines. */
export function askPage(
  api: Api,
  key: TableKey,
  asked: {
    readonly columns: readonly string[];
    readonly sort: string;
    readonly limit: number;
    readonly offset: number;
    /** CQL2 as JSON; not given: all rows. */
    readonly filter?: string | undefined;
  },
  signal: AbortSignal,
): Promise<Result<Page>> {
  const query = queryOf<ItemsOf>({
    edition: key.edition,
    year: key.year,
    properties: asked.columns.join(','),
    sortby: asked.sort,
    limit: asked.limit,
    offset: asked.offset,
    skipGeometry: true,
    ...(asked.filter === undefined ? {} : { filter: asked.filter, 'filter-lang': 'cql2-json' as const }),
  });
  return api.ask(`${pathOf(key)}/items?${query}`, decodePage, signal);
}

/** How many places of a table meet a box; null: of the whole table. */
export function askCount(
  api: Api,
  key: TableKey,
  box: BBox | null,
  signal: AbortSignal,
): Promise<Result<number>> {
  const query = queryOf<ItemsOf>({
    edition: key.edition,
    year: key.year,
    ...(box ? { bbox: [...box] } : {}),
    properties: 'id',
    limit: 1,
    skipGeometry: true,
  });
  return api.ask(`${pathOf(key)}/items?${query}`, (value, path) => decodePage(value, path).total, signal);
}

/** The numbers in a value that may be one, or a table of them. */
function numbersIn(value: unknown, path: readonly string[]): [string, number][] {
  if (typeof value === 'number') return [[path.join(' '), value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) => numbersIn(entry, [...path, key]));
}

export function decodeAssumption(value: unknown, path: string): Assumption {
  const given = record(value, path);
  return {
    id: text(given.id, `${path}.id`),
    values: numbersIn(given.value, []),
    low: optional(number)(given.low, `${path}.low`),
    high: optional(number)(given.high, `${path}.high`),
    unit: optional(text)(given.unit, `${path}.unit`),
    author: optional(text)(given.author, `${path}.author`),
    reason: optional(text)(given.reason, `${path}.reason`),
  };
}

/** The assumptions that a region's numbers rest on. */
export function askAssumptions(
  api: Api,
  { region, edition }: Pick<TableKey, 'region' | 'edition'>,
  signal: AbortSignal,
): Promise<Result<Assumption[]>> {
  return api.ask(
    `${at(region)}/factors?${queryOf<FactorsOf>({ edition })}`,
    (value, path) =>
      list(decodeAssumption)(record<Wire['FactorsOut']>(value, path).assumptions, `${path}.assumptions`),
    signal,
  );
}

/** The sector that an assumption belongs to, from its id; null if it says none. */
export function partOfAssumption({ id }: Assumption): Part | null {
  const part = id.split('.')[0];
  return isOneOf(PARTS, part) ? part : null;
}

/** An edition that the server keeps. */
interface KeptEdition {
  readonly id: string;
  readonly current: boolean;
  /** As ISO 8601. */
  readonly published: string;
}

/** The editions of a region, newest first. */
export function askEditions(api: Api, region: string, signal: AbortSignal): Promise<Result<KeptEdition[]>> {
  return api.ask(
    `${at(region)}/editions`,
    (value, path) =>
      list((entry, where) => {
        const one = fields<Wire['EditionOut']>(entry, where);
        return {
          id: one('id', text),
          current: one('current', flag),
          published: one('published', text),
        };
      })(record<Wire['EditionsOut']>(value, path).editions, `${path}.editions`),
    signal,
  );
}

/** An item's value for a column, if it is a number. */
export function numberOf(properties: Properties, column: string): number | null {
  const value = properties[column];
  return typeof value === 'number' ? value : null;
}
