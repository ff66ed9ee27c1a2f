import { expect, it } from 'vitest';
import type { Distribution } from './api';
import { quantileAt } from './breaks';
import { BINS, histogramOf, type Bin } from './histogram';
import { THEMES } from './layers/themes';
import { buildScale, classOf, type Scale } from './scale';

function distributionOf(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const quantiles = Array.from({ length: 201 }, (_, k) => quantileAt(sorted, k / 200));
  return { count: values.length, nulls: 0, min: sorted[0] ?? null, max: sorted.at(-1) ?? null, quantiles };
}

function scaleOf(distribution: Distribution): Scale {
  const scale = buildScale(distribution, THEMES.net.ramps.light);
  if (!scale) throw new Error('no scale');
  return scale;
}

it('is as high as places are many, in the colours of their classes', () => {
  // Even on the axis of square roots: a quarter of the places from -25 to 0, the others from 0 to 225.
  const values = Array.from({ length: 1000 }, (_, k) =>
    k < 250 ? -((k / 50) ** 2) - 0.001 : ((k - 249) / 50) ** 2,
  );
  const distribution = distributionOf(values);
  const scale = scaleOf(distribution);
  const histogram = histogramOf(distribution, scale);
  expect(histogram?.bins).toHaveLength(BINS);
  // The outermost bins hold the tails too.
  const inner = histogram?.bins.slice(1, -1) ?? [];
  const mean = (bins: readonly Bin[]) => bins.reduce((sum, { height }) => sum + height, 0) / bins.length;
  const below = mean(inner.filter(({ to }) => to < 0));
  const above = mean(inner.filter(({ from }) => from > 0));
  expect(above / below).toBeGreaterThan(0.9);
  expect(above / below).toBeLessThan(1.1);
  const negative = inner.filter(({ to }) => to < 0).length / inner.length;
  expect(negative).toBeGreaterThan(0.2);
  expect(negative).toBeLessThan(0.3);
  for (const { from, to, colour } of histogram?.bins ?? []) {
    const ends = [classOf(scale, from), classOf(scale, to)];
    if (ends[0] === ends[1] && typeof ends[0] === 'number') {
      expect(colour).toBe(scale.classes[ends[0]]?.colour);
    }
  }
  for (const value of [-20, -1, 3, 150]) {
    expect(histogram?.edge(histogram.place(value))).toBeCloseTo(value, 9);
  }
});

it('leaves zeros out and is nothing where nothing is to be drawn', () => {
  const zeros = distributionOf([0, 0, 0]);
  expect(histogramOf(zeros, scaleOf(zeros))).toBeNull();
  const nothing: Distribution = { count: 0, nulls: 3, min: null, max: null, quantiles: [] };
  expect(histogramOf(nothing, { classes: [], zero: null })).toBeNull();
  const few = distributionOf([...Array.from({ length: 900 }, () => 0), 5, 6, 7, 8]);
  const counted = histogramOf(few, scaleOf(few))?.bins.filter((bin) => bin.height > 0) ?? [];
  expect(counted.every(({ to }) => to > 0)).toBe(true);
});

it('ends at zero, and not beside it, where all is removed', () => {
  // As a forest has it: many small removals, few large ones, and some places without any.
  const values = Array.from({ length: 400 }, (_, k) => (k % 9 === 0 ? 0 : -(((k + 1) / 37) ** 3)));
  const distribution = distributionOf(values);
  const histogram = histogramOf(distribution, scaleOf(distribution));
  expect(histogram?.edge(BINS)).toBe(0);
  expect(histogram?.edge(0)).toBeLessThan(-1);
  expect(histogram?.bins.at(-1)?.to).toBe(0);
});

it('has zero as an edge where emissions and removals are mirrored', () => {
  const values = Array.from({ length: 401 }, (_, k) => (k - 200) / 7);
  const distribution = distributionOf(values);
  const histogram = histogramOf(distribution, scaleOf(distribution));
  expect(histogram?.edge(BINS / 2)).toBe(0);
});
