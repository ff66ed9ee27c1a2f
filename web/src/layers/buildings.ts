import type { Theme } from './theme';
import { ZERO } from './theme';

/** Warm: heat and light in buildings. */
export const buildings: Theme = {
  sector: 'buildings',
  ramps: {
    light: {
      emission: ['#fbe9c3', '#f3b562', '#d9692c', '#9c2b1a', '#571013'],
      removal: ['#cfe7e1', '#2f857b', '#0a4740'],
      zero: ZERO.light,
    },
    dark: {
      emission: ['#45301f', '#8a4322', '#cf6a33', '#f3ab5e', '#fff0c9'],
      removal: ['#1f4541', '#63b8ab', '#c9f2e9'],
      zero: ZERO.dark,
    },
  },
};
