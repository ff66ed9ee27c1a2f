import { describe, expect, it } from 'vitest';
import { axisTicks, changeOf, trendPoints } from './trend';

const YEARS = [2021, 2022, 2023];

describe('the change over the years', () => {
  it('is told where the intervals lie apart', () => {
    const change = changeOf(trendPoints(YEARS, [100, 90, 50], [2, 2, 2], null));
    expect(change).toMatchObject({ kind: 'change', share: -0.5, from: { year: 2021 }, to: { year: 2023 } });
  });

  it('is unclear where they overlap', () => {
    expect(changeOf(trendPoints(YEARS, [100, 90, 97], [2, 2, 2], null))?.kind).toBe('unclear');
  });

  it('is unclear where one value lies within the interval of the other', () => {
    const points = trendPoints(YEARS, [100, null, 103], [null, null, 2], null);
    expect(changeOf(points)?.kind).toBe('unclear');
    expect(changeOf(trendPoints(YEARS, [100, null, 104], [null, null, 2], null))?.kind).toBe('change');
  });

  it('goes from the first known year to the last', () => {
    const change = changeOf(trendPoints(YEARS, [null, 100, 150], null, null));
    expect(change).toMatchObject({ kind: 'change', from: { year: 2022 }, share: 0.5 });
  });

  it('has no share where what was before is removed or nothing', () => {
    expect(changeOf(trendPoints(YEARS, [-100, -80, -50], [1, 1, 1], null))).toMatchObject({ share: null });
    expect(changeOf(trendPoints(YEARS, [0, 4, 5], null, null))).toMatchObject({ share: null });
  });

  it('needs two known years, and equal values are no change', () => {
    expect(changeOf(trendPoints(YEARS, [null, 100, null], null, null))).toBeNull();
    expect(changeOf(trendPoints(YEARS, [7, 8, 7], [1, 1, 1], null))?.kind).toBe('same');
  });
});

describe('the ticks of an axis', () => {
  it.each([
    [0, 100, [0, 50, 100]],
    [-104, -13.8, [-100, -80, -60, -40, -20]],
    [0.2, 0.9, [0.2, 0.4, 0.6, 0.8]],
    [56_500, 63_900, [58_000, 60_000, 62_000]],
  ])('from %d to %d are round', (low, high, ticks) => {
    const found = axisTicks(low, high);
    expect(found).toHaveLength(ticks.length);
    found.forEach((tick, index) => {
      expect(tick).toBeCloseTo(ticks[index] ?? NaN);
    });
  });

  it('are one where all is the same', () => {
    expect(axisTicks(5, 5)).toEqual([5]);
  });
});
