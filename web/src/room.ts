/** The part of the map that no panel covers. */

import type { BBox } from './decode';

/** Room that panels take from the map's sides, px. */
export interface Insets {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

/** What stays free around what is shown, px. */
const AIR = 28;
/** A strip narrower than this shows nothing worth seeing: the panel beside it then counts as lying over the map. */
const NARROWEST = 120;

type Box = Pick<DOMRect, 'top' | 'right' | 'bottom' | 'left' | 'width' | 'height'>;

/**
 * Sides that panels cover.
 *
 * @param stage the map's own box
 * @param panels boxes in the same coordinates; each counts for the side that it stands at
 */
export function insetsOf(stage: Box, panels: readonly Box[]): Insets {
  let { top, right, bottom, left } = { top: AIR + 32, right: AIR, bottom: AIR, left: AIR };
  for (const panel of panels) {
    if (panel.width === 0 || panel.height === 0) continue;
    const wide = panel.width > stage.width * 0.8;
    const high = panel.height > stage.height * 0.8;
    if (wide && high) continue;
    const fromTop = panel.top - stage.top;
    const fromBottom = stage.bottom - panel.bottom;
    const fromLeft = panel.left - stage.left;
    const fromRight = stage.right - panel.right;
    // A sheet lies along the bottom if it is wider than high or reaches from side to side; a bar is flat, and at the top.
    const flat = panel.width > (fromBottom < fromTop ? 1.4 : 4) * panel.height;
    if (wide || flat) {
      if (fromBottom < fromTop) bottom = Math.max(bottom, stage.bottom - panel.top + AIR);
      else top = Math.max(top, panel.bottom - stage.top + AIR);
    } else if (fromLeft < fromRight) left = Math.max(left, panel.right - stage.left + AIR);
    else right = Math.max(right, stage.right - panel.left + AIR);
  }
  if (stage.width - left - right < NARROWEST) [left, right] = [AIR, AIR];
  if (stage.height - top - bottom < NARROWEST)
    [top, bottom] = [AIR, Math.max(AIR, stage.height - AIR - NARROWEST)];
  return { top, right, bottom, left };
}

/**
 * How far to move the map so that a point lies where no panel is.
 *
 * @returns x and y for `panBy`, px; zeros if it is in sight already
 */
export function shiftIntoSight(
  [x, y]: readonly [number, number],
  [width, height]: readonly [number, number],
  { top, right, bottom, left }: Insets,
): readonly [number, number] {
  const beyond = (at: number, from: number, to: number) => (at < from || at > to ? at - (from + to) / 2 : 0);
  return [beyond(x, left, width - right), beyond(y, top, height - bottom)];
}

/**
 * How far to move the map so that a place can be seen where no panel is.
 *
 * @param place its box on the map, px; one larger than the free part need only fill half of that
 * @returns as `shiftIntoSight`
 */
export function shiftPlaceIntoSight(
  place: Pick<Box, 'top' | 'right' | 'bottom' | 'left'>,
  size: readonly [number, number],
  insets: Insets,
): readonly [number, number] {
  const seen = (from: number, to: number, first: number, last: number) =>
    Math.min(to, last) - Math.max(from, first) >= Math.min(to - from, (last - first) / 2) - 1;
  const middle = [(place.left + place.right) / 2, (place.top + place.bottom) / 2] as const;
  const across = seen(place.left, place.right, insets.left, size[0] - insets.right);
  const down = seen(place.top, place.bottom, insets.top, size[1] - insets.bottom);
  const centre = [
    (insets.left + size[0] - insets.right) / 2,
    (insets.top + size[1] - insets.bottom) / 2,
  ] as const;
  return [across ? 0 : middle[0] - centre[0], down ? 0 : middle[1] - centre[1]];
}

/** A box with half its size around it, so that a place is seen among its neighbours. */
export function withNeighbours([west, south, east, north]: BBox): BBox {
  const [x, y] = [(east - west) / 2, (north - south) / 2];
  return [
    Math.max(-180, west - x),
    Math.max(-85, south - y),
    Math.min(180, east + x),
    Math.min(85, north + y),
  ];
}
