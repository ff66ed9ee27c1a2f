/**
 * A scenario as the API reads it, and as a link carries it. The document is kept as it came: what this page has no
 * control for stays in it and is sent again.
 */
import type { Geometry } from 'geojson';
import { readOutline, writeOutline, type Outline } from '../outlines';
import { positionOf, type Position } from '../positions';
import type { Measured } from '../state';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface Costs {
  readonly capital_per_unit: number;
  readonly running_per_unit?: number;
  readonly lifetime_years?: number;
  readonly discount_rate?: number;
  readonly currency?: string;
}

/** Polygons of rings of positions, or places of a collection. */
export type Area =
  | { readonly polygon: readonly (readonly (readonly [number, number])[])[] }
  | { readonly collection: string; readonly ids: readonly string[] };

export interface Measure {
  readonly id: string;
  readonly kind: string;
  readonly start?: number;
  readonly ramp_years?: number;
  readonly parameters?: Readonly<Record<string, Json>>;
  readonly costs?: Costs;
  readonly area?: Area;
  /** What the kind has of its own: `level`, `hectares`, `form` ... */
  readonly [field: string]: unknown;
}

export interface Target {
  readonly reduction?: number;
  readonly net_tco2e?: number;
}

export interface Scenario {
  readonly year: number;
  readonly measures: readonly Measure[];
  readonly name?: string;
  readonly target?: Target;
  readonly [field: string]: unknown;
}

/** A version of a scenario that is kept on the server. */
export interface Saved {
  readonly id: string;
  readonly version: number;
}

/** One scenario that is worked on. */
export interface Slot {
  /** Null: it is kept on the server and has not come yet. */
  readonly scenario: Scenario | null;
  /** What it was opened from or saved as, however much it changed since. */
  readonly saved: Saved | null;
}

/** More would not be told apart. */
export const MOST_SLOTS = 3;
const FIRST_YEAR = 1990;
const LAST_YEAR = 2150;
const SAVED = /^[A-Za-z0-9_-]{16,64}$/;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A place that an outline can be written of: JSON has numbers larger than any. */
function isOnEarth(value: unknown): boolean {
  const [lon, lat] = positionOf(value) ?? [Infinity, Infinity];
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 90;
}

function isArea(value: unknown): value is Area {
  if (!isObject(value)) return false;
  const { polygon, collection, ids } = value;
  if (Array.isArray(polygon)) {
    const rings: unknown[] = polygon;
    return rings.length > 0 && rings.every((ring) => Array.isArray(ring) && ring.every(isOnEarth));
  }
  return (
    typeof collection === 'string' && Array.isArray(ids) && ids.every((id: unknown) => typeof id === 'string')
  );
}

/** An area without the heights that files may have: a link has none either. */
function flat(area: Area): Area {
  if (!('polygon' in area)) return area;
  return { ...area, polygon: area.polygon.map((ring) => ring.map(([lon, lat]) => [lon, lat] as const)) };
}

/** A scenario from what JSON was read into, as far as the page relies on its shape; the API judges the rest. */
export function scenarioFrom(value: unknown): Scenario | null {
  if (!isObject(value) || !Number.isInteger(value.year)) return null;
  const year = Number(value.year);
  if (year < FIRST_YEAR || year > LAST_YEAR || typeof (value.name ?? '') !== 'string') return null;
  const measures: unknown = value.measures ?? [];
  if (!Array.isArray(measures)) return null;
  const ids = new Set<string>();
  const found: Measure[] = [];
  for (const one of measures as unknown[]) {
    if (!isObject(one) || typeof one.id !== 'string' || typeof one.kind !== 'string' || ids.has(one.id))
      return null;
    const { id, kind, area, ...others } = one;
    // Null is as good as nothing in a document; what is there and is no area would act somewhere else.
    if (area !== undefined && area !== null && !isArea(area)) return null;
    ids.add(id);
    found.push({ id, kind, ...others, ...(isArea(area) ? { area: flat(area) } : {}) });
  }
  return { ...value, year, measures: found };
}

/** Steps of an outline instead of its corners: a link holds several times as many. */
function shortened(key: string, value: unknown): unknown {
  return key === 'polygon' && Array.isArray(value) ? writeOutline([value as Outline[number]]) : value;
}

function lengthened(key: string, value: unknown): unknown {
  return key === 'polygon' && typeof value === 'string' ? readOutline(value)?.[0] : value;
}

function toLetters(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromLetters(letters: string): string | null {
  try {
    const binary = atob(letters.replaceAll('-', '+').replaceAll('_', '/'));
    return new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(binary, (letter) => letter.charCodeAt(0)),
    );
  } catch {
    return null;
  }
}

/** Write a slot for a link: the document, and what it was saved as; the document alone is left out while it is that. */
export function writeSlot({ scenario, saved }: Slot, unchanged: boolean): string {
  const origin = saved ? `~${saved.id}~${saved.version}` : '';
  if (scenario === null || (saved && unchanged)) return origin;
  return toLetters(JSON.stringify(scenario, shortened)) + origin;
}

/** Read what `writeSlot` wrote; `fresh` stands for nothing. Null if it is anything else. */
export function readSlot(written: string, fresh: Scenario): Slot | null {
  const [letters = '', id, version, ...rest] = written.split('~');
  if (rest.length > 0 || (id === undefined) !== (version === undefined)) return null;
  const saved = id !== undefined && version !== undefined ? { id, version: Number(version) } : null;
  if (saved && !(SAVED.test(saved.id) && Number.isInteger(saved.version) && saved.version > 0)) return null;
  if (letters === '') return { scenario: saved ? null : fresh, saved };
  const text = fromLetters(letters);
  if (text === null) return null;
  try {
    const scenario = scenarioFrom(JSON.parse(text, lengthened));
    return scenario && { scenario, saved };
  } catch {
    return null;
  }
}

/** An id that no measure has yet. */
export function freshId(scenario: Scenario, kind: string): string {
  const taken = new Set(scenario.measures.map(({ id }) => id));
  let number = 1;
  while (taken.has(`${kind}-${number}`)) number += 1;
  return `${kind}-${number}`;
}

export function withMeasure(scenario: Scenario, measure: Measure): Scenario {
  const there = scenario.measures.some(({ id }) => id === measure.id);
  return {
    ...scenario,
    measures: there
      ? scenario.measures.map((one) => (one.id === measure.id ? measure : one))
      : [...scenario.measures, measure],
  };
}

export function withoutMeasure(scenario: Scenario, id: string): Scenario {
  return { ...scenario, measures: scenario.measures.filter((one) => one.id !== id) };
}

/** A copy of a document or measure in which a field has another value; undefined takes it out. */
export function withField<T extends object>(whole: T, field: string, value: unknown): T {
  const rest = Object.fromEntries(Object.entries(whole).filter(([key]) => key !== field)) as T;
  return value === undefined ? rest : { ...rest, [field]: value };
}

/** The measure with another value of a parameter; null leaves the default. */
export function withParameter(measure: Measure, parameter: string, value: number | null): Measure {
  const parameters = withField({ ...measure.parameters }, parameter, value ?? undefined);
  return withField(measure, 'parameters', Object.keys(parameters).length > 0 ? parameters : undefined);
}

/** The single number given for a parameter; of a range its middle. */
export function givenFor(measure: Measure, parameter: string): number | null {
  const value = measure.parameters?.[parameter];
  const one = Array.isArray(value) ? (value as readonly Json[])[0] : value;
  return typeof one === 'number' ? one : null;
}

/** Where a measure acts, as an area of the page's own; null: everywhere. */
export function placeOf({ area }: Measure): Measured | null {
  if (!area) return null;
  if ('polygon' in area) return { kind: 'outline', outline: writeOutline([area.polygon]) };
  return { kind: 'items', collection: area.collection, ids: area.ids };
}

/** The same the other way: the first polygon of an outline, in whole millionths of a degree; undefined: everywhere. */
export function areaOf(place: Measured | null): Area | undefined {
  if (!place) return undefined;
  if (place.kind === 'items') return { collection: place.collection, ids: place.ids };
  const [polygon] = readOutline(place.outline) ?? [];
  return polygon && { polygon: polygon.map((ring) => ring.map(([lon, lat]) => [lon, lat] as const)) };
}

/** Ids of the roads that a measure names. */
export function namedRoads({ roads }: Measure): readonly string[] {
  return Array.isArray(roads) ? roads.filter((id): id is string => typeof id === 'string') : [];
}

/** Places in a list of a document: a line, or stops. */
export function placesIn(value: unknown): readonly Position[] {
  return Array.isArray(value) ? value.map(positionOf).filter((one) => one !== null) : [];
}

/** Places as they are drawn, as a document has them: in whole millionths of a degree. */
export function rounded(places: readonly Position[]): Position[] {
  return places.map(([lon, lat]) => [Number(lon.toFixed(6)), Number(lat.toFixed(6))]);
}

/** Areas, lines and stops that the reader drew. */
export function drawnPlaces(scenario: Scenario): Geometry[] {
  const plain = (places: readonly Position[]) => places.map(([lon, lat]) => [lon, lat]);
  const points = (places: readonly Position[]): Geometry[] =>
    plain(places).map((coordinates) => ({ type: 'Point', coordinates }));
  const line = (places: readonly Position[]): Geometry[] =>
    places.length > 1 ? [{ type: 'LineString', coordinates: plain(places) }] : [];
  return [
    ...points(placesIn(scenario.stops)),
    ...scenario.measures.flatMap((measure) => {
      const { area } = measure;
      const ground: Geometry[] =
        area && 'polygon' in area ? [{ type: 'Polygon', coordinates: area.polygon.map(plain) }] : [];
      return [...ground, ...line(placesIn(measure.line)), ...points(placesIn(measure.stops))];
    }),
  ];
}

/** What decides the result: everything but the name. */
export function questionOf(scenario: Scenario): string {
  return JSON.stringify(withField(scenario, 'name', undefined));
}
