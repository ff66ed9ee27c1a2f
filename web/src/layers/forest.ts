import type { Theme } from './theme';
import { ZERO } from './theme';

/** Green for what forest takes up; land that gives off carbon stands out in purple, as brown would to few eyes. */
export const forest: Theme = {
  sector: 'forest',
  ramps: {
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
  },
};
