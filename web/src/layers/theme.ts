/** What a theme is: one sector, its colours, the scale that they make of its numbers, and the layers that draw them. */
import type { Distribution } from '../api';
import type { Breaks } from '../look';
import type { Ramps, Scale } from '../scale';
import type { Sector } from '../sectors';
import type { LayerOf } from './values';

export type Ground = 'light' | 'dark';

export interface Theme {
  readonly sector: Sector;
  /** Small values lie near the ground's own lightness, large ones far from it, in both. */
  readonly ramps: Readonly<Record<Ground, Ramps>>;
  /** Its classes: what the legend draws is what colours the map. Null if nothing is known. */
  scale(distribution: Distribution, ground: Ground, breaks?: Breaks): Scale | null;
  /** What it puts on the map. */
  readonly layers: readonly LayerOf[];
}

/** Zero on either ground: a place that was looked at and has nothing. */
export const ZERO: Readonly<Record<Ground, string>> = { light: '#e9e7e0', dark: '#2b3438' };
/** No value: deliberately without hue. */
export const UNKNOWN: Readonly<Record<Ground, string>> = { light: '#c9c9c6', dark: '#4a5053' };
