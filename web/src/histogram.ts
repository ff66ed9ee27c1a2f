/** How many places have which value, drawn over the classes of the scale. */
import type { Distribution } from './api';
import { quantileAt } from './breaks';
import { classOf, type Scale } from './scale';

export interface Bin {
  readonly from: number;
  readonly to: number;
  /** Of the fullest bin. */
  readonly height: number;
  readonly colour: string;
}

interface Histogram {
  readonly bins: readonly Bin[];
  /** Value at an edge: 0 is the left end of the first bin. */
  readonly edge: (index: number) => number;
  /** Where a value lies, in bins from the left; beyond the ends for values beyond them. */
  readonly place: (value: number) => number;
}

export const BINS = 36;
const SAMPLES = 1000;
/** The tails beyond are counted into the outermost bins: a few giants must not flatten all others. */
const TAIL = 0.015;

/** Emissions are skewed: on an axis of square roots small ones get room, and the sign stays. */
function root(value: number): number {
  return Math.sign(value) * Math.sqrt(Math.abs(value));
}

function square(value: number): number {
  return value * Math.abs(value);
}

/**
 * Bins of equal width on an axis of square roots, over the values other than zero, which has a colour of its own.
 *
 * @returns null if there are not at least two values to draw
 */
export function histogramOf({ quantiles }: Distribution, scale: Scale): Histogram | null {
  if (quantiles.length === 0) return null;
  const values: number[] = [];
  for (let index = 0; index < SAMPLES; index += 1) {
    const value = quantileAt(quantiles, (index + 0.5) / SAMPLES);
    if (value !== 0) values.push(value);
  }
  const low = root(Math.min(0, quantileAt(values, TAIL)));
  const high = root(Math.max(0, quantileAt(values, 1 - TAIL)));
  if (values.length < 2 || !(high > low)) return null;
  const width = (high - low) / BINS;
  const place = (value: number) => (root(value) - low) / width;
  const edge = (index: number) => {
    // The ends as they are, and zero as zero: steps leave a rounding error, which would be printed.
    if (index >= BINS) return square(high);
    const at = low + index * width;
    return Math.abs(at) < width * 1e-9 ? 0 : square(at);
  };
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    const index = Math.min(Math.max(Math.floor(place(value)), 0), BINS - 1);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const most = Math.max(...counts);
  const bins = counts.map((count, index) => {
    const at = classOf(scale, edge(index + 0.5));
    const colour = typeof at === 'number' ? scale.classes[at]?.colour : scale.zero;
    return {
      from: edge(index),
      to: edge(index + 1),
      height: count / most,
      colour: colour ?? 'transparent',
    };
  });
  return { bins, edge, place };
}
