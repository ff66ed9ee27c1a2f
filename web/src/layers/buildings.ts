/** Warm: heat and light in buildings. */
import { buildScale } from '../scale';
import { type Theme, ZERO } from './theme';
import {
  columns,
  held,
  heldColumns,
  hovered,
  places,
  rim,
  selected,
  uncertain,
  uncertainColumns,
} from './values';

const RAMPS: Theme['ramps'] = {
  light: {
    emission: ['#fbe9c3', '#f3b562', '#d9692c', '#9c2b1a', '#571013'],
    removal: ['#bcdfe8', '#5fb0c2', '#1d7a90', '#07404f'],
    zero: ZERO.light,
  },
  dark: {
    emission: ['#45301f', '#8a4322', '#cf6a33', '#f3ab5e', '#fff0c9'],
    removal: ['#123f4f', '#1f7189', '#57b2c8', '#c6eef7'],
    zero: ZERO.dark,
  },
};

export const buildings: Theme = {
  sector: 'buildings',
  ramps: RAMPS,
  scale: (distribution, ground, breaks) => buildScale(distribution, RAMPS[ground], breaks),
  layers: [places, uncertain, held, columns, uncertainColumns, heldColumns, hovered, rim, selected],
};
