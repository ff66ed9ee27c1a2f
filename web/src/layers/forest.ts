/** Green for what forest takes up; land that gives off carbon stands out in purple, as brown would to few eyes. */
import { buildScale } from '../scale';
import { type Theme, ZERO } from './theme';
import { columns, hovered, places, rim, selected, uncertain, uncertainColumns } from './values';

const RAMPS: Theme['ramps'] = {
  light: {
    emission: ['#f0d3e4', '#b0508f', '#561043'],
    removal: ['#e3efcf', '#aed18d', '#63a254', '#2a6d3a', '#0d3d22'],
    zero: ZERO.light,
  },
  dark: {
    emission: ['#5c2450', '#c46aa5', '#ffd6ee'],
    removal: ['#20402a', '#356341', '#5b9a5c', '#9fcf8b', '#e3f7cd'],
    zero: ZERO.dark,
  },
};

export const forest: Theme = {
  sector: 'forest',
  ramps: RAMPS,
  scale: (distribution, ground, breaks) => buildScale(distribution, RAMPS[ground], breaks),
  // No stripes: no stand of trees is held.
  layers: [places, uncertain, columns, uncertainColumns, hovered, rim, selected],
};
