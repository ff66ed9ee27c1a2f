/** Brown for emissions against blue for removals: told apart by every common kind of colour vision. */
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
    emission: ['#f3dfb5', '#dba653', '#a8631c', '#5c2f0a'],
    removal: ['#bcdfe8', '#5fb0c2', '#1d7a90', '#07404f'],
    zero: ZERO.light,
  },
  dark: {
    emission: ['#4a3a24', '#8f6327', '#d39a45', '#ffe2a6'],
    removal: ['#123f4f', '#1f7189', '#57b2c8', '#c6eef7'],
    zero: ZERO.dark,
  },
};

export const net: Theme = {
  sector: 'net',
  ramps: RAMPS,
  scale: (distribution, ground, breaks) => buildScale(distribution, RAMPS[ground], breaks),
  layers: [places, uncertain, held, columns, uncertainColumns, heldColumns, hovered, rim, selected],
};
