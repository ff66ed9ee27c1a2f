import type { Theme } from './theme';
import { ZERO } from './theme';

/** Violet: apart from buildings in hue, alike in lightness, so that the two maps can be compared. */
export const transport: Theme = {
  sector: 'transport',
  ramps: {
    light: {
      emission: ['#e9e3f2', '#bdaedd', '#8a72c0', '#5b3d99', '#2e1463'],
      removal: ['#cfe7e1', '#2f857b', '#0a4740'],
      zero: ZERO.light,
    },
    dark: {
      emission: ['#2f2a45', '#554688', '#8470c4', '#b9a8ea', '#f0e9ff'],
      removal: ['#1f4541', '#63b8ab', '#c9f2e9'],
      zero: ZERO.dark,
    },
  },
};
