/**
 * What is drawn over what, from the ground up. Each map layer belongs to one of these bands; a band's mark is an
 * invisible layer before which the band's layers are put, so that the order holds whenever a layer comes or goes.
 */
export const DRAW_ORDER = [
  // The ground: what the eye should rest on.
  'land',
  'green',
  'water',
  // A map of somebody else's, where the region wants one; where its pictures are missing, our own ground is seen.
  'base',
  // The numbers, over the ground, under all lines.
  'values',
  // Dots over values that may be far off.
  'doubt',
  // Stripes over values that were held back for privacy.
  'held',
  // Lines by which people find their way.
  'roads',
  'boundaries',
  // What the pointer is on, and what was chosen, with a rim that parts it from strong colours.
  'hovered',
  'rim',
  'selected',
  // An area of the reader's own.
  'outline',
  // Values that stand up, over all that lies flat.
  'columns',
  // What dots and stripes say of flat values, on those that stand up.
  'doubt-columns',
  'held-columns',
  // Names last: nothing may cross them.
  'places',
] as const;

export type Band = (typeof DRAW_ORDER)[number];

/** Id of the invisible layer above a band. */
export function markOf(band: Band): string {
  return `above-${band}`;
}
