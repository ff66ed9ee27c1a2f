/** Classes and colours of what a scenario changes, and of before and after. They stay while a slider moves. */
import { THEMES } from '../layers/themes';
import type { Ground } from '../layers/theme';
import { quantileAt } from '../breaks';
import { valueOf } from '../expressions';
import type { Term } from '../quantity';
import { sampleRamp, type Ramp } from '../ramps';
import type { Scale } from '../scale';
import type { Sector } from '../sectors';
import type { Place } from './questions';

export type Moment = 'before' | 'change' | 'after';

/** Column of a sector at a moment, as one term. */
export function termOf(sector: Sector, moment: Moment): readonly Term[] {
  return [{ column: `${sector}_${moment}_tco2e`, share: null }];
}

/** Values of places, tCO2e per hectare and year, rising; those not known are left out. */
export function valuesOf(places: readonly Place[], sector: Sector, moment: Moment): number[] {
  const terms = termOf(sector, moment);
  return places
    .map(({ properties }) => valueOf(properties, terms, 't_per_ha'))
    .filter((value) => value !== null)
    .sort((a, b) => a - b);
}

/** Parts of what dense places emit today at which a class of change begins. */
const PARTS_OF_TODAY = [0.002, 0.01, 0.03, 0.1, 0.3];
const DENSE = 0.9;

/** The number of 1, 2, 5, 10, 20 ... that is nearest by ratio. */
export function roundNumber(value: number): number {
  const scale = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 5, 10].map((step) => step * scale);
  const nearest = steps.reduce((best, step) =>
    Math.abs(Math.log(step / value)) < Math.abs(Math.log(best / value)) ? step : best,
  );
  return Number(nearest.toPrecision(2));
}

/**
 * Classes of change, the same on both sides of zero. They are parts of what dense places emit today, so that they are
 * the same for every scenario of a region, and a slider moves the colours and not the classes.
 */
export function changeScale(places: readonly Place[], sector: Sector, ground: Ground): Scale | null {
  // A sector of which nothing is known today, as forest where there is none, is measured by all of them.
  return (
    changeClasses(valuesOf(places, sector, 'before'), ground) ??
    (sector === 'net' ? null : changeScale(places, 'net', ground))
  );
}

/** The same from how today's values are spread, or a sample of them; null where none is anything but zero. */
export function changeClasses(values: readonly number[], ground: Ground): Scale | null {
  const today = values
    .map(Math.abs)
    .filter((value) => value > 0)
    .sort((a, b) => a - b);
  if (today.length === 0) return null;
  const dense = quantileAt(today, DENSE);
  const breaks = [...new Set(PARTS_OF_TODAY.map((part) => roundNumber(part * dense)))];
  const { emission, removal, zero } = THEMES.net.ramps[ground];
  const side = (ramp: Ramp) =>
    sampleRamp(ramp, breaks.length + 1).map((colour, index) => ({
      low: breaks[index - 1] ?? 0,
      high: breaks[index] ?? null,
      colour,
    }));
  return {
    zero,
    classes: [
      ...side(removal)
        .toReversed()
        .map(({ low, high, colour }) => ({
          from: high === null ? null : -high,
          to: low === 0 ? 0 : -low,
          colour,
        })),
      ...side(emission).map(({ low, high, colour }) => ({ from: low, to: high, colour })),
    ],
  };
}

/** Classes of what places emit today, which hold for then, too. */
export function levelScale(places: readonly Place[], sector: Sector, ground: Ground): Scale | null {
  const known = valuesOf(places, sector, 'before');
  return levelClasses(known, places.length - known.length, sector, ground);
}

/** The same from today's values, rising, and how many are not known. */
export function levelClasses(
  known: readonly number[],
  nulls: number,
  sector: Sector,
  ground: Ground,
): Scale | null {
  return THEMES[sector].scale(
    {
      count: known.length,
      nulls,
      min: known[0] ?? null,
      max: known.at(-1) ?? null,
      quantiles: known,
    },
    ground,
  );
}
