/** Outlines that readers draw or bring: their compact form in links, and what GeoJSON files say. */
import type { BBox } from './decode';
import { positionOf, type Position } from './positions';

/** Polygons of rings of positions; the first ring is the outer one, each ends where it begins. */
export type Outline = readonly (readonly (readonly Position[])[])[];

/** Millionths of a degree: about a decimetre. */
const SCALE = 1e6;
/** Letters that no address, mail program or chat changes. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const RING = '.';
const POLYGON = '~';
/** A longer file is no outline of a site. */
export const LARGEST_FILE = 2_000_000;
const MOST_VERTICES = 10_000;

function writeNumber(value: number): string {
  // The sign goes to the last bit, so that small steps to either side stay short.
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let written = '';
  do {
    const digit = rest % 32;
    rest = Math.floor(rest / 32);
    written += LETTERS.charAt(digit + (rest > 0 ? 32 : 0));
  } while (rest > 0);
  return written;
}

function readNumbers(written: string): number[] | null {
  const found: number[] = [];
  let value = 0;
  let place = 1;
  for (const letter of written) {
    const code = LETTERS.indexOf(letter);
    if (code < 0 || place > 2 ** 40) return null;
    value += (code % 32) * place;
    place *= 32;
    if (code < 32) {
      found.push(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
      value = 0;
      place = 1;
    }
  }
  return place === 1 ? found : null;
}

/** The ring in whole millionths of a degree, without repeats and without its last vertex; null if nothing is left. */
function wholeRing(ring: readonly Position[]): [number, number][] | null {
  const whole: [number, number][] = [];
  for (const [lon, lat] of ring) {
    const next: [number, number] = [Math.round(lon * SCALE), Math.round(lat * SCALE)];
    const last = whole.at(-1);
    if (last?.[0] !== next[0] || last[1] !== next[1]) whole.push(next);
  }
  const [first] = whole;
  const last = whole.at(-1);
  if (first && last && whole.length > 1 && first[0] === last[0] && first[1] === last[1]) whole.pop();
  return whole.length < 3 ? null : whole;
}

/** Write an outline for a link: steps from vertex to vertex, a few letters each. What is smaller than a decimetre goes. */
export function writeOutline(outline: Outline): string {
  return outline
    .flatMap((polygon) => {
      let [x, y] = [0, 0];
      const rings = polygon.map((ring) => {
        const whole = wholeRing(ring);
        return (whole ?? [])
          .map(([nextX, nextY]) => {
            const step = writeNumber(nextX - x) + writeNumber(nextY - y);
            [x, y] = [nextX, nextY];
            return step;
          })
          .join('');
      });
      // Without its outer ring a polygon is nothing; a hole that vanished is no hole.
      return rings[0] === undefined || rings[0] === ''
        ? []
        : [rings.filter((ring) => ring !== '').join(RING)];
    })
    .join(POLYGON);
}

/** Read what `writeOutline` wrote; null if it is anything else. */
export function readOutline(written: string): Outline | null {
  const outline: Position[][][] = [];
  for (const polygon of written.split(POLYGON)) {
    let [x, y] = [0, 0];
    const rings: Position[][] = [];
    for (const ring of polygon.split(RING)) {
      const numbers = readNumbers(ring);
      if (!numbers || numbers.length < 6 || numbers.length % 2 !== 0) return null;
      const positions: Position[] = [];
      for (let index = 0; index < numbers.length; index += 2) {
        x += numbers[index] ?? 0;
        y += numbers[index + 1] ?? 0;
        if (Math.abs(x) > 180 * SCALE || Math.abs(y) > 90 * SCALE) return null;
        positions.push([x / SCALE, y / SCALE]);
      }
      const [first] = positions;
      if (first) positions.push(first);
      rings.push(positions);
    }
    outline.push(rings);
  }
  return outline;
}

export function boundsOf(outline: Outline): BBox {
  const positions = outline.flat(2);
  const lons = positions.map(([lon]) => lon);
  const lats = positions.map(([, lat]) => lat);
  const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  return [least(lons), least(lats), most(lons), most(lats)];
}

/** On which side of the line from a to b a point lies: the sign; 0 on it. */
function side(a: Position, b: Position, point: Position): number {
  return Math.sign((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]));
}

/** Whether two edges that share no corner have a point in common. */
function meet(a: Position, b: Position, c: Position, d: Position): boolean {
  const [atC, atD, atA, atB] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
  if (atC !== atD && atA !== atB) return true;
  const between = (from: Position, to: Position, point: Position) =>
    [0, 1].every(
      (axis) =>
        Math.min(from[axis] ?? 0, to[axis] ?? 0) <= (point[axis] ?? 0) &&
        (point[axis] ?? 0) <= Math.max(from[axis] ?? 0, to[axis] ?? 0),
    );
  return (
    (atC === 0 && between(a, b, c)) ||
    (atD === 0 && between(a, b, d)) ||
    (atA === 0 && between(c, d, a)) ||
    (atB === 0 && between(c, d, b))
  );
}

/** More edges than anybody draws by hand; of a file's outline the server says what is wrong. */
const MOST_COMPARED = 500;

/** Whether a ring of an outline meets itself, as far as the page looks: the remedy is the reader's to find on the map. */
export function isCrossing(outline: Outline): boolean {
  return outline.flat().some((ring) => {
    if (ring.length > MOST_COMPARED) return false;
    const edges = ring.slice(1).map((to, index) => [ring[index] ?? to, to] as const);
    return edges.some(([a, b], index) =>
      edges.slice(index + 2, index === 0 ? -1 : undefined).some(([c, d]) => meet(a, b, c, d)),
    );
  });
}

/** Why a file is no outline. */
export type Refusal = 'no-json' | 'no-polygon' | 'other-crs' | 'too-large';

/** Names by which files call longitude and latitude in degrees. */
const DEGREES = /crs84|\b4326\b|wgs\s*84/i;

/** The name in GeoJSON's old member `crs`: `{"type": "name", "properties": {"name": ...}}`. */
function nameOfCrs(crs: unknown): string {
  const within = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null && key in value
      ? (value as Record<string, unknown>)[key]
      : value;
  const name = within(within(crs, 'properties'), 'name');
  return typeof name === 'string' ? name : '';
}

function ringsOf(value: unknown): Position[][] | null {
  if (!Array.isArray(value)) return null;
  const rings = value.map((ring: unknown) => (Array.isArray(ring) ? ring.map(positionOf) : [null]));
  return rings.every((ring) => ring.every((position) => position !== null)) ? rings : null;
}

/** GeoJSON nests a geometry in a collection in a feature in a collection; far deeper only what is meant to break readers. */
const DEEPEST = 16;

function polygonsIn(value: unknown, found: Position[][][], depth = 0): void {
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return;
  const given = value as Record<string, unknown>;
  const each = (list: unknown) => {
    if (Array.isArray(list)) for (const entry of list as unknown[]) polygonsIn(entry, found, depth + 1);
  };
  if (given.type === 'FeatureCollection') each(given.features);
  else if (given.type === 'Feature') polygonsIn(given.geometry, found, depth + 1);
  else if (given.type === 'GeometryCollection') each(given.geometries);
  else if (given.type === 'Polygon') {
    const rings = ringsOf(given.coordinates);
    if (rings) found.push(rings);
  } else if (given.type === 'MultiPolygon' && Array.isArray(given.coordinates)) {
    for (const polygon of given.coordinates as unknown[]) {
      const rings = ringsOf(polygon);
      if (rings) found.push(rings);
    }
  }
}

/** All polygons of a GeoJSON text as one outline, or why there is none. */
export function outlineInGeoJson(text: string): Outline | Refusal {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return 'no-json';
  }
  const crs =
    typeof document === 'object' && document !== null && 'crs' in document ? document.crs : undefined;
  if (crs !== undefined && crs !== null && !DEGREES.test(nameOfCrs(crs))) return 'other-crs';
  const found: Position[][][] = [];
  polygonsIn(document, found);
  const positions = found.flat(2);
  if (positions.length === 0) return 'no-polygon';
  if (positions.length > MOST_VERTICES) return 'too-large';
  if (positions.some(([lon, lat]) => Math.abs(lon) > 180 || Math.abs(lat) > 90)) return 'other-crs';
  return writeOutline(found) === '' ? 'no-polygon' : found;
}
