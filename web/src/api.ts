/**
 * The one client of the HTTP API. Every call answers with a result, never an exception: a value of a checked shape,
 * or a problem that says what went wrong in words a page can show.
 */
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
  scalar,
  ShapeError,
  text,
  type BBox,
  type Localised,
  type Scalar,
} from './decode';
import { extentOf } from './positions';
import { PARTS, type Unit } from './sectors';
import { queryOf, type Query, type Wire } from './wire';

type LandingOf = '/api/{region}/';
type Collections = '/api/{region}/collections';
type ItemOf = `${Collections}/{collection}/items/{item}`;
type DistributionOf = `${Collections}/{collection}/distribution`;

export interface Problem {
  /** away: nobody answers; refused: the API says no; malformed: the answer is not what was agreed. */
  readonly kind: 'away' | 'refused' | 'malformed' | 'aborted';
  readonly status: number | null;
  readonly detail: string;
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export interface Attribution {
  readonly text: string;
  readonly licence: string | null;
  readonly url: string | null;
  /** The text in further languages. */
  readonly texts: Localised;
}

/** A map of somebody else's that the region wants below its numbers. */
export interface BaseMap {
  /** Address of a picture, with {z}, {x} and {y}. */
  readonly tiles: string;
  /** The same for dark ground; null: `tiles` are dimmed. */
  readonly darkTiles: string | null;
  readonly attribution: Attribution;
  readonly maxzoom: number;
  readonly tileSize: number;
}

export interface Region {
  readonly id: string;
  readonly name: Localised;
  readonly languages: readonly string[];
  readonly bbox: BBox;
  readonly synthetic: boolean;
  /** Sectors that rest on an assumption of the region rather than on a published value. */
  readonly illustrative: readonly string[];
  readonly edition: string;
  readonly years: readonly number[];
  readonly attributions: readonly Attribution[];
  readonly baseMap: BaseMap | null;
  /** ISO 4217, of costs that name no other; null: the reader is asked. */
  readonly currency: string | null;
}

export type CollectionKind = 'grid' | 'zones' | 'hexagons';

export interface Collection {
  readonly id: string;
  readonly title: Localised;
  readonly kind: CollectionKind;
  /** Of zones: administrative, land_use and so on. */
  readonly zoneKind: string | null;
  /** The collection whose items hold several of this one's. */
  readonly parent: string | null;
  readonly cellSizeM: number | null;
  readonly years: readonly number[];
  readonly sectors: readonly string[];
  readonly columns: readonly string[];
  readonly count: number;
  readonly minzoom: number;
  readonly maxzoom: number;
  /** Of a grid: zooms of tiles at which it is the one drawn by itself, both included; null: at none. */
  readonly autoZooms: readonly [number, number] | null;
}

export interface Distribution {
  /** Places whose value is known. */
  readonly count: number;
  /** Places whose value is not. */
  readonly nulls: number;
  readonly min: number | null;
  readonly max: number | null;
  /** In equal steps from 0 to 100 %; empty if nothing is known. */
  readonly quantiles: readonly number[];
}

export type Properties = Readonly<Record<string, Scalar>>;

export interface Item {
  readonly id: string;
  readonly properties: Properties;
  /** What its outline reaches; null where the answer has no geometry. */
  readonly bbox: BBox | null;
}

export interface TileSet {
  readonly minzoom: number;
  readonly maxzoom: number;
  /** Layers the tiles hold; null if the API does not say. */
  readonly layers: readonly string[] | null;
}

/** Whose values are taken off: of another year, of other columns, of another edition. */
type Taken = Pick<Query<DistributionOf>, 'less' | 'less_column' | 'less_edition'>;

/** What one published table is asked by. */
export interface TableKey {
  readonly region: string;
  readonly edition: string;
  readonly collection: string;
  readonly year: number;
}

const KINDS: readonly CollectionKind[] = ['grid', 'zones', 'hexagons'];

function illustrative(value: unknown, path: string): string[] {
  if (value === null || value === undefined || value === false) return [];
  if (value === true) return [...PARTS];
  if (Array.isArray(value)) return list(text)(value, path);
  return Object.entries(record(value, path)).flatMap(([sector, holds]) =>
    flag(holds, `${path}.${sector}`) ? [sector] : [],
  );
}

function attribution(value: unknown, path: string): Attribution {
  const given = fields<Wire['Attribution']>(value, path);
  return {
    text: given('text', text),
    licence: given('licence', optional(text)),
    url: given('url', optional(text)),
    texts: given('texts', optional(localised)) ?? {},
  };
}

function baseMap(value: unknown, path: string): BaseMap {
  const given = fields<Wire['BaseMap']>(value, path);
  return {
    tiles: given('tiles', text),
    darkTiles: given('dark_tiles', optional(text)),
    attribution: given('attribution', attribution),
    maxzoom: given('maxzoom', number),
    tileSize: given('tile_size', number),
  };
}

export function decodeRegion(value: unknown, path: string): Region {
  const given = record<Wire['Region']>(value, path);
  return {
    id: text(given.id, `${path}.id`),
    name: localised(given.name, `${path}.name`),
    languages: list(text)(given.languages, `${path}.languages`),
    bbox: bbox(given.bbox, `${path}.bbox`),
    synthetic: flag(given.synthetic, `${path}.synthetic`),
    illustrative: illustrative(given.illustrative, `${path}.illustrative`),
    edition: text(given.edition, `${path}.edition`),
    years: list(number)(given.years, `${path}.years`).toSorted((a, b) => a - b),
    attributions: list(attribution)(given.attributions ?? [], `${path}.attributions`),
    baseMap: optional(baseMap)(given.base_map, `${path}.base_map`),
    currency: optional(text)(given.currency ?? null, `${path}.currency`),
  };
}

function columnName(value: unknown, path: string): string {
  return typeof value === 'string' ? value : text(record(value, path).name, `${path}.name`);
}

export function decodeCollection(value: unknown, path: string): Collection {
  const given = record<Wire['CollectionOut']>(value, path);
  const kind = KINDS.find((known) => known === given.kind);
  if (!kind) throw new ShapeError(`${path}.kind`, KINDS.join(', '), given.kind);
  return {
    id: text(given.id, `${path}.id`),
    // OGC wants `title` to be one text; `titles` holds it in every language.
    title: localised(given.titles ?? given.title, `${path}.titles`),
    kind,
    zoneKind: optional(text)(given.zone_kind, `${path}.zone_kind`),
    parent: optional(text)(given.parent, `${path}.parent`),
    cellSizeM: optional(number)(given.cell_size_m, `${path}.cell_size_m`),
    years: list(number)(given.years, `${path}.years`).toSorted((a, b) => a - b),
    sectors: list(text)(given.sectors, `${path}.sectors`),
    columns: list(columnName)(given.columns, `${path}.columns`),
    count: number(given.count, `${path}.count`),
    minzoom: optional(number)(given.minzoom, `${path}.minzoom`) ?? 0,
    maxzoom: optional(number)(given.maxzoom, `${path}.maxzoom`) ?? 14,
    autoZooms: optional(pair)(given.auto_zooms, `${path}.auto_zooms`),
  };
}

function decodeDistribution(value: unknown, path: string): Distribution {
  const given = fields<Wire['Distribution']>(value, path);
  return {
    count: given('count', number),
    nulls: given('nulls', number),
    min: given('min', optional(number)),
    max: given('max', optional(number)),
    quantiles: given('quantiles', optional(list(optional(number))))?.filter((q) => q !== null) ?? [],
  };
}

function decodeProfile(value: unknown, path: string): ReadonlyMap<number, Distribution> {
  const given = fields<Wire['Distribution']>(value, path);
  const years = given(
    'profile',
    list((entry, where): [number, Distribution] => {
      const one = fields<Wire['YearSpread']>(entry, where);
      return [one('year', number), decodeDistribution(entry, where)];
    }),
  );
  return new Map(years);
}

export function decodeItem(value: unknown, path: string): Item {
  const given = record<Wire['Feature']>(value, path);
  const given_properties = record(given.properties, `${path}.properties`);
  const properties = Object.fromEntries(
    Object.entries(given_properties).flatMap(([key, entry]) =>
      typeof entry === 'object' && entry !== null
        ? []
        : [[key, scalar(entry, `${path}.properties.${key}`)] as const],
    ),
  );
  const id = given.id ?? properties.id;
  return {
    id: typeof id === 'number' ? String(id) : text(id, `${path}.id`),
    properties,
    bbox: extentOf(given.geometry),
  };
}

function decodeTileSet(value: unknown, path: string): TileSet {
  const given = fields<Wire['TileSet']>(value, path);
  return {
    minzoom: given('minzoom', optional(number)) ?? 0,
    maxzoom: given('maxzoom', optional(number)) ?? 14,
    layers: given(
      'vector_layers',
      optional(list((layer, at) => text(record<Wire['TileLayer']>(layer, at).id, `${at}.id`))),
    ),
  };
}

function refusal(status: number, body: unknown): Problem {
  const given = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const words = [given.detail, given.title].find((entry) => typeof entry === 'string' && entry !== '');
  // A gateway that answers for an API that is down is as good as nobody answering; the API's own 503 has words.
  const kind = status >= 502 && status <= 504 && typeof words !== 'string' ? 'away' : 'refused';
  return { kind, status, detail: typeof words === 'string' ? words : `HTTP ${status}` };
}

/** How an answer's body becomes a value; throws a ShapeError where it is not as agreed. */
export type Decode<T> = (value: unknown, path: string) => T;

/** How something is asked. */
export interface Manner {
  /** Posted, if no other method is named; a question without one is fetched. */
  readonly body?: string;
  readonly method?: 'POST' | 'PUT' | 'DELETE';
  /** A planner's key. */
  readonly key?: string;
  /** Ask for a job, instead of waiting for what comes of it. */
  readonly later?: boolean;
}

export interface Api {
  /** Ask an address below `/api/`; `questions.ts` and `receipts.ts` say which there are. */
  ask<T>(path: string, decode: Decode<T>, signal: AbortSignal, manner?: Manner): Promise<Result<T>>;
  /** From now on words in answers are asked for in a language; until then in the browser's own. */
  speak(language: string): void;
  health(signal: AbortSignal): Promise<Result<true>>;
  regions(signal: AbortSignal): Promise<Result<Region[]>>;
  /** A region as one of its editions tells of it. */
  region(region: string, edition: string, signal: AbortSignal): Promise<Result<Region>>;
  collections(region: string, edition: string, signal: AbortSignal): Promise<Result<Collection[]>>;
  /** `column` may add columns and take shares of them, see `quantity.ts`. */
  distribution(
    key: TableKey,
    column: string,
    unit: Unit,
    signal: AbortSignal,
    quantiles?: number,
    /** What is taken off, place by place. */
    less?: Taken,
  ): Promise<Result<Distribution>>;
  /** How the same is spread in each year of the collection, whichever of them the key names. */
  distributions(
    key: TableKey,
    column: string,
    unit: Unit,
    signal: AbortSignal,
    quantiles: number,
  ): Promise<Result<ReadonlyMap<number, Distribution>>>;
  item(key: TableKey, id: string, signal: AbortSignal): Promise<Result<Item>>;
  contextTiles(region: string, edition: string, signal: AbortSignal): Promise<Result<TileSet>>;
  /** An address below `/api/`, whole: for links, files and other programs. */
  address(path: string): string;
  /** Address of one item, for people. */
  itemAddress(key: TableKey, id: string): string;
  /** Tile address templates with {z}, {y} and {x}; absolute, since workers resolve them. */
  valueTiles(key: TableKey, columns: readonly string[] | null): string;
  contextTileAddress(region: string, edition: string): string;
}

/**
 * Build the client.
 *
 * @param base address that ends in `/api/`
 * @param fetcher stands in for the browser's fetch in tests
 */
export function createApi(base: string, fetcher: typeof fetch = (input, init) => fetch(input, init)): Api {
  const part = encodeURIComponent;
  const table = (key: TableKey) => `${part(key.region)}/collections/${part(key.collection)}`;
  const pinned = (key: TableKey) => `year=${key.year}&edition=${part(key.edition)}`;

  let language: string | null = null;

  async function ask<T>(
    path: string,
    decode: Decode<T>,
    signal: AbortSignal,
    { body: posted, method, key, later = false }: Manner = {},
  ): Promise<Result<T>> {
    let response: Response;
    try {
      response = await fetcher(base + path, {
        signal,
        headers: {
          accept: 'application/json',
          ...(language === null ? {} : { 'accept-language': language }),
          ...(posted === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(later ? { prefer: 'respond-async' } : {}),
        },
        ...(posted === undefined ? {} : { body: posted }),
        method: method ?? (posted === undefined ? 'GET' : 'POST'),
      });
    } catch (error) {
      const kind = signal.aborted ? 'aborted' : 'away';
      return {
        ok: false,
        problem: { kind, status: null, detail: error instanceof Error ? error.message : String(error) },
      };
    }
    let body: unknown;
    try {
      body = await response.json();
    } catch {
      if (signal.aborted) return { ok: false, problem: { kind: 'aborted', status: null, detail: '' } };
      body = undefined;
    }
    if (!response.ok) return { ok: false, problem: refusal(response.status, body) };
    try {
      return { ok: true, value: decode(body, path) };
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      return { ok: false, problem: { kind: 'malformed', status: response.status, detail: error.message } };
    }
  }

  return {
    ask,
    speak(tag) {
      language = tag;
    },
    health: (signal) => ask('health', () => true, signal),
    regions: (signal) => ask('regions', list(decodeRegion), signal),
    region: (region, edition, signal) =>
      ask(`${part(region)}/?${queryOf<LandingOf>({ edition })}`, decodeRegion, signal),
    collections: (region, edition, signal) =>
      ask(
        `${part(region)}/collections?${queryOf<Collections>({ edition })}`,
        // OGC wraps the list in an object; a bare list is as clear.
        (value, path) =>
          list(decodeCollection)(
            Array.isArray(value) ? value : record<Wire['Collections']>(value, path).collections,
            `${path}.collections`,
          ),
        signal,
      ),
    distribution: (key, column, unit, signal, quantiles, less) =>
      ask(
        `${table(key)}/distribution?${queryOf<DistributionOf>({
          year: key.year,
          edition: key.edition,
          column,
          unit,
          ...(quantiles === undefined ? {} : { quantiles }),
          ...less,
        })}`,
        decodeDistribution,
        signal,
      ),
    distributions: (key, column, unit, signal, quantiles) =>
      ask(
        `${table(key)}/distribution?${queryOf<DistributionOf>({
          year: key.year,
          edition: key.edition,
          column,
          unit,
          quantiles,
          profile: true,
        })}`,
        decodeProfile,
        signal,
      ),
    item: (key, id, signal) =>
      ask(
        `${table(key)}/items/${part(id)}?${queryOf<ItemOf>({ year: key.year, edition: key.edition })}`,
        decodeItem,
        signal,
      ),
    contextTiles: (region, edition, signal) =>
      ask(`${part(region)}/context/tiles/WebMercatorQuad?edition=${part(edition)}`, decodeTileSet, signal),
    address: (path) => base + path,
    itemAddress: (key, id) => `${base}${table(key)}/items/${part(id)}?${pinned(key)}`,
    valueTiles: (key, columns) =>
      `${base}${table(key)}/tiles/WebMercatorQuad/{z}/{y}/{x}?${pinned(key)}` +
      (columns === null ? '' : `&properties=${columns.map(part).join(',')}`),
    contextTileAddress: (region, edition) =>
      `${base}${part(region)}/context/tiles/WebMercatorQuad/{z}/{y}/{x}?edition=${part(edition)}`,
  };
}
