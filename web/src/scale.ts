/**
 * Class breaks and colours of one theme. One scale feeds the map's expression, the legend and the hover value, so the
 * three can never disagree.
 */
import type { Distribution } from './api';
import { magnitudeBreaks, quantileAt } from './breaks';
import type { Breaks } from './look';
import { sampleRamp, type Ramp } from './ramps';

export interface ScaleClass {
  /** Null: open below. */
  readonly from: number | null;
  /** Null: open above. */
  readonly to: number | null;
  readonly colour: string;
}

export interface Scale {
  /** In rising order and touching: each class is `[from, to)`. */
  readonly classes: readonly ScaleClass[];
  /** Colour of exactly zero, which is neither emission nor removal; null if no zero occurs. */
  readonly zero: string | null;
}

export interface Ramps {
  /** From small to large. */
  readonly emission: Ramp;
  readonly removal: Ramp;
  readonly zero: string;
}

/** Classes of a one-sided scale; a diverging one has `CLASSES_PER_SIDE` on each side. */
export const CLASSES_ONE_SIDED = 7;
export const CLASSES_PER_SIDE = 5;

/** Fewer classes for fewer places: a class that holds one place says no more than the place does. */
const PLACES_PER_CLASS = 2;
const POOL_SIZE = 401;
/** Magnitudes that occur, without zeros, rising: the sample from which breaks are taken. */
function magnitudes(quantiles: readonly number[]): number[] {
  const pool: number[] = [];
  for (let index = 0; index < POOL_SIZE; index += 1) {
    const size = Math.abs(quantileAt(quantiles, index / (POOL_SIZE - 1)));
    if (size > 0) pool.push(size);
  }
  return pool.sort((a, b) => a - b);
}

/** Breaks of magnitudes, none of them below the least; the first stands there if there is anything below it. */
function breaksFrom(
  least: number,
  pool: readonly number[],
  count: number,
  breaksOf: (pool: readonly number[], count: number) => number[],
): number[] {
  const first = Number(least.toPrecision(2));
  const above = pool.filter((size) => size > first);
  if (above.length === pool.length) return breaksOf(pool, count);
  if (above.length === 0 || count < 2) return [];
  // No class between two breaks is narrower than the one beside zero.
  return [first, ...breaksOf(above, count - 1).filter((size) => size >= 2 * first)];
}

/**
 * Classes around zero.
 *
 * Where emissions and removals occur, the breaks are the same on both sides of
 * zero, so that a removal and an emission of one size are equally strong in colour. Classes beyond the data are left
 * out.
 *
 * @param method how breaks are found on magnitudes
 * @param least the finest class: magnitudes below it share the classes beside zero
 * @returns null if nothing is known, so that the page can say so instead of drawing an empty legend
 */
export function buildScale(
  distribution: Distribution,
  ramps: Ramps,
  method: Breaks = 'auto',
  least = 0,
): Scale | null {
  const { quantiles, min, max } = distribution;
  if (quantiles.length === 0 || min === null || max === null) return null;
  const zero = min === 0 || max === 0 || quantiles.includes(0) ? ramps.zero : null;
  const pool = magnitudes(quantiles);
  if (pool.length === 0) return { classes: [], zero: ramps.zero };

  const diverging = min < 0 && max > 0;
  const most = diverging ? CLASSES_PER_SIDE : CLASSES_ONE_SIDED;
  const wanted = Math.min(most, Math.ceil(distribution.count / PLACES_PER_CLASS));
  const breaks = breaksFrom(least, pool, wanted, (sizes, count) =>
    magnitudeBreaks(method, sizes, count, diverging),
  );
  const count = breaks.length + 1;
  const side = (ramp: Ramp) =>
    sampleRamp(ramp, count).map((colour, index) => ({
      low: breaks[index - 1] ?? 0,
      high: breaks[index] ?? null,
      colour,
    }));

  const emissions = max > 0 ? side(ramps.emission).filter(({ low }) => low < max) : [];
  const removals = min < 0 ? side(ramps.removal).filter(({ low }) => low < -min) : [];
  const classes: ScaleClass[] = [
    ...removals.toReversed().map(({ low, high, colour }, index) => ({
      from: index === 0 || high === null ? null : -high,
      to: low === 0 ? 0 : -low,
      colour,
    })),
    ...emissions.map(({ low, high, colour }, index) => ({
      from: low,
      to: index === emissions.length - 1 ? null : high,
      colour,
    })),
  ];
  return { classes, zero };
}

/** Which class a value falls in: an index into `classes`, `zero`, or null for an unknown value. */
export function classOf(scale: Scale, value: number | null): number | 'zero' | null {
  if (value === null) return null;
  if (value === 0 && scale.zero !== null) return 'zero';
  const index = scale.classes.findLastIndex(({ from }) => from === null || value >= from);
  return index === -1 ? null : index;
}

/** The colour of a value's class; `unknown` of a value that is not known, or in no class. */
export function colourOf(scale: Scale, value: number | null, unknown: string): string {
  const at = classOf(scale, value);
  const colour = at === null ? null : at === 'zero' ? scale.zero : scale.classes[at]?.colour;
  return colour ?? unknown;
}

/** A line of a legend: a class by its place in `classes`, or zero by itself. */
export type LegendLine =
  | { readonly at: number; readonly colour: string; readonly entry: ScaleClass }
  | { readonly at: 'zero'; readonly colour: string; readonly entry: null };

/** The classes in rising order, with zero between what is removed and what is emitted, wherever classes are told. */
export function legendLines({ classes, zero }: Scale): LegendLine[] {
  const lines: LegendLine[] = classes.map((entry, at) => ({ at, colour: entry.colour, entry }));
  if (zero === null) return lines;
  const below = classes.filter(({ to }) => to !== null && to <= 0).length;
  return lines.toSpliced(below, 0, { at: 'zero', colour: zero, entry: null });
}
