import type { Theme } from './theme';
import { ZERO } from './theme';

/** Brown for emissions against blue for removals: told apart by every common kind of colour vision. */
export const net: Theme = {
  sector: 'net',
  ramps: {
    light: {
      emission: ['#f3dfb5', '#dba653', '#a8631c', '#5c2f0a'],
      removal: ['#bcdfe8', '#5fb0c2', '#1d7a90', '#07404f'],
      zero: ZERO.light,
    },
    dark: {
      emission: ['#4a3a24', '#8f6327', '#d39a45', '#ffe2a6'],
      removal: ['#123f4f', '#1f7189', '#57b2c8', '#c6eef7'],
      zero: ZERO.dark,
    },
  },
};
