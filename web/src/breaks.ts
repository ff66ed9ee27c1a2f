/** Where classes end: on magnitudes, by the method the reader chose. */
import { ckmeans } from 'simple-statistics';
import type { Breaks } from './look';

/** Above 1, upper classes hold fewer places: emissions are skewed, and hot spots should stand out. */
const TAIL_EMPHASIS = 1.5;
/** Magnitudes between which breaks of equal ratio are spread, as quantiles. */
const RATIO_ENDS = [0.15, 0.93] as const;
const ROUND_STEPS = [1, 2, 2.5, 5, 10];

/** Value at probability `p` (0 to 1) on quantiles at equal steps, linear between them. */
export function quantileAt(quantiles: readonly number[], p: number): number {
  const last = quantiles.length - 1;
  const position = Math.min(Math.max(p, 0), 1) * last;
  const below = Math.min(Math.floor(position), Math.max(last - 1, 0));
  const a = quantiles[below] ?? Number.NaN;
  const b = quantiles[below + 1] ?? a;
  return a + (b - a) * (position - below);
}

function roundTo(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

/**
 * The roundest numbers that still say the same: each break gets the fewest significant digits that move it by no more
 * than a quarter of the gap to its neighbours, so that they stay apart and in order. Repeated breaks are merged.
 */
export function roundBreaks(breaks: readonly number[]): number[] {
  const distinct = breaks.filter((value, index) => index === 0 || value > (breaks[index - 1] ?? value));
  return distinct.map((value, index) => {
    const below = value - (distinct[index - 1] ?? 0);
    const above = (distinct[index + 1] ?? Number.POSITIVE_INFINITY) - value;
    const room = Math.min(below, above) / 4;
    const digits = [1, 2, 3, 4, 5, 6].find((count) => Math.abs(roundTo(value, count) - value) <= room);
    return digits === undefined ? value : roundTo(value, digits);
  });
}

function quantileBreaks(pool: readonly number[], count: number, emphasis: number): number[] {
  return Array.from({ length: count - 1 }, (_, index) =>
    quantileAt(pool, 1 - (1 - (index + 1) / count) ** emphasis),
  );
}

/** Natural breaks: classes within which values differ least (Jenks' aim, found exactly by ckmeans). */
function naturalBreaks(pool: readonly number[], count: number): number[] {
  const distinct = new Set(pool).size;
  const clusters = ckmeans([...pool], Math.min(count, distinct));
  return clusters.slice(1).flatMap((cluster, index) => {
    const before = clusters[index]?.at(-1);
    const [first] = cluster;
    return before === undefined || first === undefined ? [] : [(before + first) / 2];
  });
}

/** Equal steps of a round width, so that the legend reads 0, 20, 40: as many as come nearest to the count. */
function equalBreaks(largest: number, count: number): number[] {
  const scale = 10 ** Math.floor(Math.log10(largest / count));
  const step = (ROUND_STEPS.find((round) => round * scale >= largest / count) ?? 10) * scale;
  return Array.from({ length: count - 1 }, (_, index) => roundTo((index + 1) * step, 12));
}

/** Breaks by equal ratios, as on a logarithmic scale. */
function ratioBreaks(pool: readonly number[], count: number): number[] {
  const [low, high] = RATIO_ENDS.map((p) => quantileAt(pool, p));
  if (low === undefined || high === undefined || count < 2) return [];
  if (count === 2) return [Math.sqrt(low * high)];
  return Array.from({ length: count - 1 }, (_, index) => low * (high / low) ** (index / (count - 2)));
}

/**
 * Breaks between magnitudes.
 *
 * Left to itself (`auto`), one sign gets quantiles that leave fewer places to upper classes. Where both signs occur,
 * forests crowd a narrow range of magnitudes and cities spread over a wide one, so that quantiles of both together
 * would leave the cities one or two classes: there breaks rise by equal ratios.
 *
 * @param pool magnitudes above 0, rising
 * @returns rising breaks, `count - 1` at most, each above 0 and below the largest
 */
export function magnitudeBreaks(
  method: Breaks,
  pool: readonly number[],
  count: number,
  diverging: boolean,
): number[] {
  const largest = pool.at(-1) ?? 0;
  const within = (breaks: readonly number[]) => breaks.filter((value) => value > 0 && value < largest);
  switch (method) {
    case 'quantile':
      return within(roundBreaks(quantileBreaks(pool, count, 1)));
    case 'jenks':
      return within(roundBreaks(naturalBreaks(pool, count)));
    case 'equal':
      return within(equalBreaks(largest, count));
    case 'ratio':
      return within(roundBreaks(ratioBreaks(pool, count)));
    case 'auto':
      return within(
        roundBreaks(diverging ? ratioBreaks(pool, count) : quantileBreaks(pool, count, TAIL_EMPHASIS)),
      );
  }
}
