/** Every theme by its sector. */
import type { Band } from '../draw_order';
import type { Sector } from '../sectors';
import { buildings } from './buildings';
import { forest } from './forest';
import { net } from './net';
import type { Theme } from './theme';
import { transport } from './transport';
import type { Drawing, ValuesLayer } from './values';

export const THEMES: Readonly<Record<Sector, Theme>> = { net, buildings, transport, forest };

/** Layers of a drawing, each with its band: those of its sector's theme. */
export function layersOf(drawing: Drawing): (readonly [Band, ValuesLayer])[] {
  return THEMES[drawing.picture.sector].layers.map((layer) => layer(drawing));
}
