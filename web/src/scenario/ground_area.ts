/** Ground that a polygon in degrees covers. */
import type { Geometry, Position } from 'geojson';

/** Radius of a sphere of the Earth's surface, m. */
const RADIUS_M = 6_371_007.2;
const M2_PER_HA = 10_000;
const RADIANS = Math.PI / 180;

/** Signed, m2; exact on the sphere for edges along which the sine of latitude changes evenly. */
function ringM2(ring: readonly Position[]): number {
  let sum = 0;
  for (let index = 1; index < ring.length; index += 1) {
    const [lonA = 0, latA = 0] = ring[index - 1] ?? [];
    const [lonB = 0, latB = 0] = ring[index] ?? [];
    sum += (lonB - lonA) * RADIANS * (2 + Math.sin(latA * RADIANS) + Math.sin(latB * RADIANS));
  }
  return (sum * RADIUS_M * RADIUS_M) / 2;
}

function polygonM2([shell, ...holes]: readonly (readonly Position[])[]): number {
  return holes.reduce((area, hole) => area - Math.abs(ringM2(hole)), Math.abs(ringM2(shell ?? [])));
}

/** Hectares of a polygon or of several; within half a percent, since the Earth is no sphere. */
export function groundHa(geometry: Geometry): number {
  if (geometry.type === 'Polygon') return polygonM2(geometry.coordinates) / M2_PER_HA;
  if (geometry.type === 'MultiPolygon')
    return geometry.coordinates.reduce((sum, polygon) => sum + polygonM2(polygon), 0) / M2_PER_HA;
  return 0;
}
