import { describe, expect, it } from 'vitest';
import type { Distribution } from './api';
import { quantileAt } from './breaks';
import { pooled } from './spread';

function distributionOf(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const quantiles = Array.from({ length: 201 }, (_, k) => quantileAt(sorted, k / 200));
  return { count: values.length, nulls: 1, min: sorted[0] ?? null, max: sorted.at(-1) ?? null, quantiles };
}

const NOTHING: Distribution = { count: 0, nulls: 7, min: null, max: null, quantiles: [] };

describe('pooled', () => {
  it('is near the distribution of all values together, however many each year has', () => {
    const early = Array.from({ length: 3000 }, (_, k) => k / 100);
    const late = Array.from({ length: 500 }, (_, k) => 100 + k / 10);
    const both = pooled([distributionOf(early), distributionOf(late)]);
    const truth = distributionOf([...early, ...late]);
    expect(both).toMatchObject({ count: 3500, nulls: 2, min: truth.min, max: truth.max });
    for (const p of [0.1, 0.5, 0.8, 0.9, 0.95]) {
      expect(Math.abs(quantileAt(both.quantiles, p) - quantileAt(truth.quantiles, p))).toBeLessThan(1.5);
    }
    expect(both.quantiles).toEqual(both.quantiles.toSorted((a, b) => a - b));
  });

  it('leaves a single year as it is, and years without values out', () => {
    const one = distributionOf([1, 2, 3]);
    expect(pooled([one])).toBe(one);
    expect(pooled([one, NOTHING])).toMatchObject({ min: 1, max: 3, count: 3, nulls: 8 });
    expect(pooled([NOTHING, NOTHING])).toMatchObject({ count: 0, nulls: 14, quantiles: [] });
  });
});
