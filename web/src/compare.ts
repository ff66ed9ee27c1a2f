/** What a view is compared with: another year, sector or edition, and how the two are shown. */
import type { Distribution } from './api';
import { quantileAt } from './breaks';
import { Z_90 } from './format';
import type { Ramps, Scale } from './scale';
import { buildScale } from './scale';
import { isOneOf, SECTORS } from './sectors';

export const MANNERS = ['swipe', 'side', 'difference'] as const;
export type Manner = (typeof MANNERS)[number];

const BYS = ['year', 'sector', 'edition'] as const;
export type By = (typeof BYS)[number];

export interface Compare {
  readonly how: Manner;
  readonly by: By;
  /** A year, a sector or an edition: what stands to the left, and is taken off in a difference. */
  readonly other: string;
  /** How much of the map the other takes, percent. */
  readonly cut: number;
}

export const MIDDLE = 50;
const OTHERS: Readonly<Record<By, RegExp>> = {
  year: /^\d{4}$/,
  sector: /^[a-z]+$/,
  edition: /^[0-9a-f]{16}$/,
};

/** Read `swipe/year/2019` and a cut; null if it says nothing that can be compared. */
export function parseCompare(written: string | null, cut: string | null): Compare | null {
  const [how, by, other, ...rest] = written?.split('/') ?? [];
  if (!isOneOf(MANNERS, how) || !isOneOf(BYS, by) || other === undefined || rest.length > 0) return null;
  if (!OTHERS[by].test(other) || (by === 'sector' && !isOneOf(SECTORS, other))) return null;
  const percent = /^\d{1,3}$/.test(cut ?? '') ? Math.min(Number(cut), 100) : MIDDLE;
  return { how, by, other, cut: percent };
}

export function writeCompare(compare: Compare | null, query: URLSearchParams): void {
  if (!compare) return;
  query.set('vs', `${compare.how}/${compare.by}/${compare.other}`);
  if (compare.cut !== MIDDLE) query.set('cut', String(compare.cut));
}

/** The part of places, the most certain ones, that decide which changes are too small for a class of their own. */
const MOST_CERTAIN = 0.25;

/**
 * The least change that even places of certain numbers can tell from none: of the quarter with the narrowest
 * intervals. 0 where no place has an interval.
 *
 * @param deviations how the standard deviations of the two sides are spread
 */
export function leastTold(...deviations: readonly [Distribution, Distribution]): number {
  const [now, before] = deviations.map(({ quantiles }) =>
    quantileAt(
      quantiles.filter((sd) => sd > 0),
      MOST_CERTAIN,
    ),
  );
  const told = Z_90 * ((now ?? Number.NaN) + (before ?? Number.NaN));
  return Number.isNaN(told) ? 0 : told;
}

/**
 * Classes of differences, around zero even where all of them have one sign: a rise must not look like a fall.
 *
 * @param least no class is finer than this, in the unit of the distribution
 */
export function differenceScale(distribution: Distribution, ramps: Ramps, least = 0): Scale | null {
  const { min, max, quantiles } = distribution;
  if (min === null || max === null || quantiles.length === 0) return null;
  const largest = Math.max(-min, max);
  // Mirrored, so that a rise and a fall of one size are equally strong in colour.
  const mirrored = [...quantiles, ...quantiles.map((value) => -value)].sort((a, b) => a - b);
  return buildScale(
    { count: distribution.count * 2, nulls: 0, min: -largest, max: largest, quantiles: mirrored },
    ramps,
    // Most changes are tiny, and few are not: with as many places in each class the legend stays readable.
    'quantile',
    least,
  );
}
