/** What clicks on the map do in the place of showing a place's card: they draw, or pick. */
import type { Position } from './positions';

export type Shape = 'area' | 'line' | 'points';

/** The fewest corners that make one. */
export const LEAST_CORNERS: Readonly<Record<Shape, number>> = { area: 3, line: 2, points: 1 };

/** What is drawn, and what is done with it once it is finished. */
export interface Drawing {
  readonly shape: Shape;
  readonly then: (corners: readonly Position[]) => void;
}

/** What is picked on the map: zones of a collection, or roads. */
export interface Picking {
  /** Id of the control that asks: one does at a time. */
  readonly by: string;
  /** Id of a zone set; null: roads. */
  readonly collection: string | null;
  readonly ids: readonly string[];
}

/** The same with one more, or with one fewer; as it was where it would be more than `most`. */
export function toggled(picking: Picking, id: string, most: number): Picking {
  const { ids } = picking;
  if (ids.includes(id)) return { ...picking, ids: ids.filter((one) => one !== id) };
  return ids.length < most ? { ...picking, ids: [...ids, id] } : picking;
}
