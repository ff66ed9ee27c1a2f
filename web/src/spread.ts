/** How values are spread in each year of a series and over all of them, so that one scale fits the series. */
import type { Distribution } from './api';

export interface Spread {
  /** Over all years together: what classes are made of, so that a colour means the same in every year. */
  readonly pooled: Distribution;
  readonly years: Readonly<Record<number, Distribution>>;
}

const STEPS = 200;

/**
 * Pool the distributions of several years: each quantile stands for as many places as its year has.
 *
 * @param years distributions of one quantity, any number of quantiles each
 * @returns 201 quantiles of all years' values; none where nothing is known in any
 */
export function pooled(years: readonly Distribution[]): Distribution {
  const [first, ...others] = years;
  if (first && others.length === 0) return first;
  const known = years.filter(({ quantiles }) => quantiles.length > 0);
  const count = years.reduce((sum, year) => sum + year.count, 0);
  const nulls = years.reduce((sum, year) => sum + year.nulls, 0);
  if (known.length === 0) return { count, nulls, min: null, max: null, quantiles: [] };
  const weighted = known
    .flatMap(({ quantiles, count: places }) =>
      quantiles.map((value) => ({ value, weight: places / quantiles.length })),
    )
    .toSorted((a, b) => a.value - b.value);
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  const min = weighted[0]?.value ?? 0;
  const max = weighted.at(-1)?.value ?? 0;
  const quantiles = [min];
  let passed = 0;
  let index = 0;
  for (let step = 1; step < STEPS; step += 1) {
    const wanted = (total * step) / STEPS;
    while (index < weighted.length - 1 && passed + (weighted[index]?.weight ?? 0) < wanted) {
      passed += weighted[index]?.weight ?? 0;
      index += 1;
    }
    quantiles.push(weighted[index]?.value ?? max);
  }
  return { count, nulls, min, max, quantiles: [...quantiles, max] };
}
