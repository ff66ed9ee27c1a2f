/** What a theme is: one sector, its colours on light and dark ground. The breaks come from the data (`scale.ts`). */
import type { Ramps } from '../scale';
import type { Sector } from '../sectors';

export type Ground = 'light' | 'dark';

export interface Theme {
  readonly sector: Sector;
  /** Small values lie near the ground's own lightness, large ones far from it, in both. */
  readonly ramps: Readonly<Record<Ground, Ramps>>;
}

/** Zero on either ground: a place that was looked at and has nothing. */
export const ZERO: Readonly<Record<Ground, string>> = { light: '#e9e7e0', dark: '#2b3438' };
/** No value: deliberately without hue. */
export const UNKNOWN: Readonly<Record<Ground, string>> = { light: '#c9c9c6', dark: '#4a5053' };
