import { describe, expect, it } from 'vitest';
import { magnitudeBreaks, quantileAt, roundBreaks } from './breaks';

describe('quantileAt', () => {
  it('is linear between equal steps and stays within them', () => {
    expect(quantileAt([0, 10, 30], 0.25)).toBe(5);
    expect(quantileAt([0, 10, 30], 0.75)).toBe(20);
    expect(quantileAt([0, 10, 30], 2)).toBe(30);
    expect(quantileAt([7], 0.4)).toBe(7);
  });
});

describe('roundBreaks', () => {
  it('takes the fewest digits that keep breaks apart and near their place', () => {
    expect(roundBreaks([1.13, 4.81, 19.7])).toEqual([1, 5, 20]);
    expect(roundBreaks([10.21, 10.48, 10.79])).toEqual([10.2, 10.5, 10.8]);
  });

  it('merges repeated breaks', () => {
    expect(roundBreaks([2, 2, 2, 5])).toEqual([2, 5]);
  });
});

describe('magnitudeBreaks', () => {
  const even = Array.from({ length: 400 }, (_, index) => index + 1);

  it('puts as many places into each class, by quantiles', () => {
    expect(magnitudeBreaks('quantile', even, 4, false)).toEqual([100, 200, 300]);
  });

  it('finds the gaps that there are, by natural breaks', () => {
    const clusters = [...[1, 2, 3], ...[50, 51, 52, 53], ...[400, 410]];
    const [low, high, ...others] = magnitudeBreaks('jenks', clusters, 3, false);
    expect(others).toEqual([]);
    expect(low).toBeGreaterThan(3);
    expect(low).toBeLessThan(50);
    expect(high).toBeGreaterThan(53);
    expect(high).toBeLessThan(400);
  });

  it('takes round steps of one width', () => {
    expect(magnitudeBreaks('equal', even, 4, false)).toEqual([100, 200, 300]);
    expect(magnitudeBreaks('equal', [0.3, 1.7, 8.3], 5, false)).toEqual([2, 4, 6, 8]);
  });

  it('rises by one ratio', () => {
    const wide = Array.from({ length: 401 }, (_, index) => 10 ** (index / 100));
    const breaks = magnitudeBreaks('ratio', wide, 5, false);
    const ratios = breaks.slice(1).map((value, index) => value / (breaks[index] ?? 0));
    expect(Math.max(...ratios) / Math.min(...ratios)).toBeLessThan(1.6);
  });

  it('has no more classes than there are values', () => {
    expect(magnitudeBreaks('jenks', [2, 2, 2, 7], 5, false)).toHaveLength(1);
    expect(magnitudeBreaks('jenks', [3, 3], 5, false)).toEqual([]);
  });
});
