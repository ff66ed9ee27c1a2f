/** Zones as shapes of a small map on paper: asked with their outlines, drawn as SVG paths. */
import { decodeItem, type Api, type Item, type Result, type TableKey } from './api';
import { list, number, fields, record, type BBox } from './decode';
import { linesIn, type Position } from './positions';

export interface Shape {
  readonly item: Item;
  readonly rings: readonly (readonly Position[])[];
}

/** More zones than this are no small map any more. */
export const MOST_SHAPES = 200;

export function askShapes(
  api: Api,
  key: TableKey,
  columns: readonly string[],
  sort: string,
  signal: AbortSignal,
  most = MOST_SHAPES,
): Promise<Result<{ shapes: Shape[]; total: number }>> {
  const at = encodeURIComponent;
  return api.ask(
    `${at(key.region)}/collections/${at(key.collection)}/items?edition=${at(key.edition)}&year=${key.year}` +
      `&properties=${columns.map(at).join(',')}&sortby=${at(sort)}&limit=${most}`,
    (value, path) => {
      const given = fields(value, path);
      return {
        total: given('numberMatched', number),
        shapes: given(
          'features',
          list((entry, where) => {
            const { geometry } = record(entry, where);
            return { item: decodeItem(entry, where), rings: linesIn(geometry) };
          }),
        ),
      };
    },
    signal,
  );
}

/** The middle of a box, as longitude and latitude. */
export function middleOf([west, south, east, north]: BBox): readonly [lon: number, lat: number] {
  return [(west + east) / 2, (south + north) / 2];
}

/** Whether a point lies in a shape: a ray from it to the east crosses the outline an odd number of times. */
export function holds({ rings }: Shape, [lon, lat]: readonly [number, number]): boolean {
  let inside = false;
  for (const ring of rings)
    for (const [index, [x, y]] of ring.entries()) {
      const [before, below] = ring[index === 0 ? ring.length - 1 : index - 1] ?? [x, y];
      if (y > lat !== below > lat && lon < ((before - x) * (lat - y)) / (below - y) + x) inside = !inside;
    }
  return inside;
}

interface Paper {
  readonly width: number;
  readonly height: number;
  readonly at: (point: readonly [lon: number, lat: number]) => readonly [x: number, y: number];
  readonly path: (shape: Shape) => string;
}

/** A sheet of a given width on which shapes lie in true proportion at the middle of their box. */
export function paperFor([west, south, east, north]: BBox, width: number): Paper {
  const narrower = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = width / Math.max((east - west) * narrower, 1e-9);
  const x = (lon: number) => (lon - west) * narrower * scale;
  const y = (lat: number) => (north - lat) * scale;
  const written = (ring: readonly Position[]) => {
    let last = '';
    const corners = ring.flatMap(([lon, lat]) => {
      const corner = `${x(lon).toFixed(1)},${y(lat).toFixed(1)}`;
      // Corners nearer than a tenth of a unit are one on paper.
      if (corner === last) return [];
      last = corner;
      return [corner];
    });
    return `M${corners.join('L')}Z`;
  };
  return {
    width,
    height: (north - south) * scale,
    at: ([lon, lat]) => [x(lon), y(lat)],
    path: ({ rings }) => rings.map(written).join(''),
  };
}

/** The box around all shapes; null if there is none. */
export function boxOf(shapes: readonly Shape[]): BBox | null {
  const boxes = shapes.flatMap(({ item }) => (item.bbox ? [item.bbox] : []));
  if (boxes.length === 0) return null;
  const least = (at: 0 | 1) => boxes.reduce((low, box) => Math.min(low, box[at]), Infinity);
  const most = (at: 2 | 3) => boxes.reduce((high, box) => Math.max(high, box[at]), -Infinity);
  return [least(0), least(1), most(2), most(3)];
}
