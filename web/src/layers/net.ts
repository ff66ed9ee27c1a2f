import type { Theme } from './theme';
import { ZERO } from './theme';

/** Brown for emissions against teal for removals: told apart by every common kind of colour vision. */
export const net: Theme = {
  sector: 'net',
  ramps: {
    light: {
      emission: ['#f3dfb5', '#dba653', '#a8631c', '#5c2f0a'],
      removal: ['#cfe7e1', '#7cc0b3', '#2f857b', '#0a4740'],
      zero: ZERO.light,
    },
    dark: {
      emission: ['#4a3a24', '#8f6327', '#d39a45', '#ffe2a6'],
      removal: ['#1f4541', '#2f7a71', '#63b8ab', '#c9f2e9'],
      zero: ZERO.dark,
    },
  },
};
