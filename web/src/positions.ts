/** The positions in a GeoJSON geometry of any kind, and the box around them. */
import type { BBox } from './decode';

export type Position = readonly [lon: number, lat: number];

/** A longitude and a latitude, whatever follows them; null if it is anything else. */
export function positionOf(value: unknown): Position | null {
  if (!Array.isArray(value)) return null;
  const [lon, lat] = value as unknown[];
  return typeof lon === 'number' && typeof lat === 'number' ? [lon, lat] : null;
}

function linesOf(coordinates: unknown): (readonly Position[])[] {
  if (!Array.isArray(coordinates)) return [];
  const positions = (coordinates as unknown[]).map(positionOf);
  if (positions.some((position) => position !== null)) {
    return [positions.filter((position) => position !== null)];
  }
  return (coordinates as unknown[]).flatMap(linesOf);
}

/** Every line or ring of a geometry, and a point as a line of one position; what is none of these has none. */
export function linesIn(geometry: unknown): (readonly Position[])[] {
  if (typeof geometry !== 'object' || geometry === null || !('coordinates' in geometry)) return [];
  const point = positionOf(geometry.coordinates);
  return point ? [[point]] : linesOf(geometry.coordinates);
}

/** West, south, east and north of the positions of a geometry; null if it has none. */
export function extentOf(geometry: unknown): BBox | null {
  const positions = linesIn(geometry).flat();
  const [first] = positions;
  if (!first) return null;
  let [west, south, east, north] = [first[0], first[1], first[0], first[1]];
  for (const [lon, lat] of positions) {
    west = Math.min(west, lon);
    south = Math.min(south, lat);
    east = Math.max(east, lon);
    north = Math.max(north, lat);
  }
  return [west, south, east, north];
}
