/** Every theme by its sector. */
import type { Sector } from '../sectors';
import { buildings } from './buildings';
import { forest } from './forest';
import { net } from './net';
import type { Theme } from './theme';
import { transport } from './transport';

export const THEMES: Readonly<Record<Sector, Theme>> = { net, buildings, transport, forest };
