/** Violet: apart from buildings in hue, alike in lightness, so that the two maps can be compared. */
import { buildScale } from '../scale';
import { type Theme, ZERO } from './theme';
import { columns, hovered, places, rim, selected, uncertain, uncertainColumns } from './values';

const RAMPS: Theme['ramps'] = {
  light: {
    emission: ['#dccdf0', '#b09cdb', '#8a72c0', '#5b3d99', '#2e1463'],
    removal: ['#cfe8c4', '#3f9350', '#0e4320'],
    zero: ZERO.light,
  },
  dark: {
    emission: ['#3a2d5c', '#5c4a92', '#8470c4', '#b9a8ea', '#f0e9ff'],
    removal: ['#1d4630', '#5fb07a', '#d3f5da'],
    zero: ZERO.dark,
  },
};

export const transport: Theme = {
  sector: 'transport',
  ramps: RAMPS,
  scale: (distribution, ground, breaks) => buildScale(distribution, RAMPS[ground], breaks),
  // No stripes: no count of vehicles is held.
  layers: [places, uncertain, columns, uncertainColumns, hovered, rim, selected],
};
