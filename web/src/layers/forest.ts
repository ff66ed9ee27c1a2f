import type { Theme } from './theme';
import { ZERO } from './theme';

/** Green for what forest takes up; land that gives off carbon stands out in brown and is never hidden. */
export const forest: Theme = {
  sector: 'forest',
  ramps: {
    light: {
      emission: ['#f3dfb5', '#a8631c', '#5c2f0a'],
      removal: ['#e3efcf', '#aed18d', '#63a254', '#2a6d3a', '#0d3d22'],
      zero: ZERO.light,
    },
    dark: {
      emission: ['#4a3a24', '#d39a45', '#ffe2a6'],
      removal: ['#25382a', '#356341', '#5b9a5c', '#9fcf8b', '#e3f7cd'],
      zero: ZERO.dark,
    },
  },
};
