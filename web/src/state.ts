/**
 * The state that a link carries: everything one needs to see the same map again, and nothing else. Words that are not
 * understood fall back to a default silently, so that an old or broken link still opens a map.
 */
import { parseCompare, writeCompare, type Compare } from './compare';
import { DEFAULT_LOOK, parseLook, writeLook, type Look } from './look';
import { isOneOf, LINKED_LANGUAGES, SECTORS, UNITS, type Language, type Sector, type Unit } from './sectors';

interface Camera {
  readonly zoom: number;
  readonly lat: number;
  readonly lon: number;
}

export interface Selection {
  readonly collection: string;
  readonly id: string;
}

/** An area of the reader's own, about which the sum is asked: an outline that was drawn, or items together. */
export type Measured =
  /** Written as by `outlines.ts`. */
  | { readonly kind: 'outline'; readonly outline: string }
  | { readonly kind: 'items'; readonly collection: string; readonly ids: readonly string[] };

/** Pages beside the map: what can be taken away, what the data are, and a report to print. */
const PAGES = ['take', 'about', 'report'] as const;
export type Page = (typeof PAGES)[number];

/** What the map shows of a scenario: what it changes, before and after under a divider, or nothing of it. */
export const SCENARIO_MAPS = ['change', 'swipe', 'off'] as const;
export type ScenarioMap = (typeof SCENARIO_MAPS)[number];

/** Questions of a planner that take seconds: which measures where, and where to act first. */
export const PLANS = ['mix', 'where'] as const;
export type PlanKind = (typeof PLANS)[number];

export interface Plan {
  readonly kind: PlanKind;
  /** The server's job that answers it, which the link opens as well; null: not asked yet. */
  readonly job: string | null;
}

export interface View extends Look {
  /** Null: the first region there is. */
  readonly region: string | null;
  /** The edition that a link keeps to; null: the one that is published. */
  readonly edition: string | null;
  /** Null: net, or the first sector of which something is known. */
  readonly sector: Sector | null;
  /** Null: the latest year. */
  readonly year: number | null;
  readonly unit: Unit;
  /** A collection, or `auto`: the grid that suits the zoom. */
  readonly area: string;
  /** Null: the whole region. */
  readonly camera: Camera | null;
  /** Null: the browser's language. */
  readonly lang: Language | null;
  readonly selected: Selection | null;
  /** Whether the receipt of what is selected lies open. */
  readonly receipt: boolean;
  /** The column by which the open table is sorted, with `-` for falling; null: closed. */
  readonly table: string | null;
  readonly measured: Measured | null;
  /** Null: one map by itself. */
  readonly compare: Compare | null;
  /** A second place of the selected one's collection, to lay beside it. */
  readonly pair: string | null;
  /** A page that stands in the map's place or over it. */
  readonly page: Page | null;
  /** Scenarios that are worked on, each written as by `scenario/document.ts`; null: none is. */
  readonly scenarios: readonly string[] | null;
  /** The place in `scenarios` of the one in sight. */
  readonly scenario: number;
  readonly scenarioMap: ScenarioMap;
  /** Percent of the map on which before is shown, left of the divider. */
  readonly scenarioCut: number;
  /** Null: the scenario itself is worked on. */
  readonly plan: Plan | null;
}

export const AUTO = 'auto';

export const DEFAULT_VIEW: View = {
  region: null,
  edition: null,
  sector: null,
  year: null,
  unit: 't_per_ha',
  area: AUTO,
  camera: null,
  lang: null,
  selected: null,
  receipt: false,
  table: null,
  measured: null,
  compare: null,
  pair: null,
  page: null,
  scenarios: null,
  scenario: 0,
  scenarioMap: 'change',
  scenarioCut: 50,
  plan: null,
  ...DEFAULT_LOOK,
};

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** More than any edition is called; what no edition can be called is kept, so that the page says that it is not there. */
const LONGEST_EDITION = 64;
const LONGEST_ID = 128;

function parseCamera(value: string | null): Camera | null {
  const parts = (value ?? '').split('/');
  if (parts.length !== 3 || parts.some((entry) => entry.trim() === '')) return null;
  const [zoom, lat, lon] = parts.map(Number);
  if (zoom === undefined || lat === undefined || lon === undefined) return null;
  const sound = zoom >= 0 && zoom <= 24 && Math.abs(lat) <= 85 && Math.abs(lon) <= 180;
  return sound ? { zoom, lat, lon } : null;
}

function parseSelection(value: string | null, longest = LONGEST_ID): Selection | null {
  const cut = (value ?? '').indexOf('/');
  if (value === null || cut < 1) return null;
  const collection = value.slice(0, cut);
  const id = value.slice(cut + 1);
  return NAME.test(collection) && id.length > 0 && id.length <= longest ? { collection, id } : null;
}

const SORT = /^-?[a-z0-9_]{1,80}$/;
/** More would not fit into the addresses that servers and mail programs take. */
const LONGEST_OUTLINE = 8000;
export const MOST_ITEMS = 200;

function parseMeasured(outline: string | null, items: string | null): Measured | null {
  if (outline !== null && outline.length <= LONGEST_OUTLINE && /^[A-Za-z0-9_.~-]+$/.test(outline)) {
    return { kind: 'outline', outline };
  }
  const listed = parseSelection(items, LONGEST_ID * MOST_ITEMS);
  const ids = [...new Set(listed?.id.split(',').filter((id) => id !== '' && id.length <= LONGEST_ID))];
  return listed && ids.length > 0 && ids.length <= MOST_ITEMS
    ? { kind: 'items', collection: listed.collection, ids }
    : null;
}

const SLOT = /^[A-Za-z0-9_~-]*$/;
/** Three scenarios of a dozen measures, or one with a drawn area of some hundred corners. */
const LONGEST_SCENARIOS = 8000;
const MOST_SCENARIOS = 3;

/** What stands for a scenario that cannot be read: who follows such a link is told so. */
export const DAMAGED = '~';

function parseScenarios(written: string | null): string[] | null {
  if (written === null) return null;
  const found = written.split('.');
  if (written.length > LONGEST_SCENARIOS || found.length > MOST_SCENARIOS) return [DAMAGED];
  return found.map((one) => (SLOT.test(one) ? one : DAMAGED));
}

const JOB = /^[A-Za-z0-9_-]{16,64}$/;

function parsePlan(written: string | null): Plan | null {
  const [kind, job, ...rest] = (written ?? '').split('/');
  if (!isOneOf(PLANS, kind) || rest.length > 0) return null;
  return { kind, job: job !== undefined && JOB.test(job) ? job : null };
}

/** Whether scenarios are short enough to travel in a link. */
export function fitsScenarios(scenarios: readonly string[]): boolean {
  return scenarios.join('.').length <= LONGEST_SCENARIOS;
}

/** Whether a measured area is short enough to travel in a link. */
export function fitsLink(measured: Measured): boolean {
  return measured.kind === 'outline'
    ? measured.outline.length <= LONGEST_OUTLINE
    : measured.ids.length <= MOST_ITEMS;
}

/** Read a page address's query, e.g. `?region=demo&sector=forest&at=12.5/37.4/127.1`. */
export function parseView(search: string): View {
  const query = new URLSearchParams(search);
  const word = (key: string) => {
    const value = query.get(key);
    return value !== null && NAME.test(value) ? value : null;
  };
  const sector = query.get('sector');
  const unit = query.get('unit');
  const lang = query.get('lang');
  const edition = (query.get('edition') ?? '').slice(0, LONGEST_EDITION);
  const year = /^\d{4}$/.test(query.get('year') ?? '') ? Number(query.get('year')) : null;
  const page = query.get('view');
  const selected = parseSelection(query.get('sel'));
  const pair = query.get('pair');
  const scenarios = parseScenarios(query.get('scenario'));
  const scenario = Number(query.get('scenario-at') ?? '1') - 1;
  const scenarioMap = query.get('scenario-map');
  const cut = query.get('scenario-cut') ?? '';
  return {
    region: word('region'),
    edition: edition === '' ? null : edition,
    sector: isOneOf(SECTORS, sector) ? sector : null,
    year,
    unit: isOneOf(UNITS, unit) ? unit : DEFAULT_VIEW.unit,
    area: word('area') ?? AUTO,
    camera: parseCamera(query.get('at')),
    lang: isOneOf(LINKED_LANGUAGES, lang) ? lang : null,
    selected,
    receipt: query.get('why') === '1',
    table: SORT.test(query.get('table') ?? '') ? query.get('table') : null,
    measured: parseMeasured(query.get('outline'), query.get('sum')),
    // A scenario has the map to itself.
    compare: scenarios ? null : parseCompare(query.get('vs'), query.get('cut')),
    pair: selected && pair !== null && pair !== '' && pair.length <= LONGEST_ID ? pair : null,
    page: isOneOf(PAGES, page) ? page : null,
    scenarios,
    scenario: scenarios && Number.isInteger(scenario) && scenarios[scenario] !== undefined ? scenario : 0,
    scenarioMap: isOneOf(SCENARIO_MAPS, scenarioMap) ? scenarioMap : DEFAULT_VIEW.scenarioMap,
    scenarioCut: /^\d{1,3}$/.test(cut) ? Math.min(Number(cut), 100) : DEFAULT_VIEW.scenarioCut,
    plan: scenarios ? parsePlan(query.get('plan')) : null,
    ...parseLook(query),
  };
}

/** Write a view as a query; what stands at its default is left out. `parseView(formatView(v))` is `v`, camera rounded. */
export function formatView(view: View): string {
  const query = new URLSearchParams();
  if (view.region !== null) query.set('region', view.region);
  if (view.edition !== null) query.set('edition', view.edition);
  if (view.sector !== null) query.set('sector', view.sector);
  if (view.year !== null) query.set('year', String(view.year));
  writeLook(view, query);
  if (view.unit !== DEFAULT_VIEW.unit) query.set('unit', view.unit);
  if (view.area !== AUTO) query.set('area', view.area);
  if (view.selected) query.set('sel', `${view.selected.collection}/${view.selected.id}`);
  if (view.selected && view.receipt) query.set('why', '1');
  if (view.selected && view.pair !== null) query.set('pair', view.pair);
  writeCompare(view.compare, query);
  if (view.page !== null) query.set('view', view.page);
  if (view.table !== null) query.set('table', view.table);
  if (view.measured && fitsLink(view.measured)) {
    if (view.measured.kind === 'outline') query.set('outline', view.measured.outline);
    else query.set('sum', `${view.measured.collection}/${view.measured.ids.join(',')}`);
  }
  if (view.scenarios && fitsScenarios(view.scenarios)) {
    query.set('scenario', view.scenarios.join('.'));
    if (view.scenario !== 0) query.set('scenario-at', String(view.scenario + 1));
    if (view.scenarioMap !== DEFAULT_VIEW.scenarioMap) query.set('scenario-map', view.scenarioMap);
    if (view.scenarioCut !== DEFAULT_VIEW.scenarioCut) query.set('scenario-cut', String(view.scenarioCut));
    if (view.plan) query.set('plan', view.plan.kind + (view.plan.job === null ? '' : `/${view.plan.job}`));
  }
  if (view.lang !== null) query.set('lang', view.lang);
  if (view.camera) {
    const { zoom, lat, lon } = view.camera;
    // Five decimals of a degree are about a metre: more would only make links longer.
    query.set('at', `${Number(zoom.toFixed(2))}/${Number(lat.toFixed(5))}/${Number(lon.toFixed(5))}`);
  }
  const written = query.toString().replaceAll('%2F', '/').replaceAll('%2C', ',').replaceAll('%7E', '~');
  return written === '' ? '' : `?${written}`;
}

/** Whether two views differ in more than camera, opacity and cuts: only such a change deserves a step of the back button. */
export function isStep(before: View, after: View): boolean {
  const { camera, opacity, scenarioCut } = after;
  const compare = before.compare && after.compare && { ...before.compare, cut: after.compare.cut };
  const alike = { ...before, camera, opacity, scenarioCut, compare: compare ?? before.compare };
  return formatView(alike) !== formatView(after);
}
