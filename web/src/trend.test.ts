import { describe, expect, it } from 'vitest';
import { changeOf, runsOf, sumPoints, trendPoints } from './trend';

const YEARS = [2021, 2022, 2023];

describe('the change over the years', () => {
  it('is told where the intervals lie apart', () => {
    const change = changeOf(trendPoints(YEARS, [100, 90, 50], [2, 2, 2], null));
    expect(change).toMatchObject({ kind: 'change', share: -0.5, from: { year: 2021 }, to: { year: 2023 } });
  });

  it('is unclear where they overlap', () => {
    expect(changeOf(trendPoints(YEARS, [100, 90, 97], [2, 2, 2], null))?.kind).toBe('unclear');
  });

  it('is not told where an interval is missing', () => {
    expect(changeOf(trendPoints(YEARS, [100, 90, 50], [null, 2, 2], null))).toBeNull();
    expect(changeOf(trendPoints(YEARS, [100, 90, 50], [2, 2, null], null))).toBeNull();
    expect(changeOf(trendPoints(YEARS, [100, 90, 50], null, null))).toBeNull();
    expect(changeOf(trendPoints(YEARS, [100, 90, 50], [2, null, 2], null))?.kind).toBe('change');
  });

  it('is told of values that are exact', () => {
    expect(changeOf(trendPoints(YEARS, [0, 0, 50], [0, 0, 2], null))).toMatchObject({
      kind: 'change',
      share: null,
    });
  });

  it('goes from the first known year to the last', () => {
    const change = changeOf(trendPoints(YEARS, [null, 100, 150], [null, 2, 2], null));
    expect(change).toMatchObject({ kind: 'change', from: { year: 2022 }, share: 0.5 });
  });

  it('has no share where what was before is removed or nothing', () => {
    expect(changeOf(trendPoints(YEARS, [-100, -80, -50], [1, 1, 1], null))).toMatchObject({ share: null });
    expect(changeOf(trendPoints(YEARS, [0, 4, 5], [0, 1, 1], null))).toMatchObject({ share: null });
  });

  it('needs two known years, and equal values are no change', () => {
    expect(changeOf(trendPoints(YEARS, [null, 100, null], null, null))).toBeNull();
    expect(changeOf(trendPoints(YEARS, [7, 8, 7], [1, 1, 1], null))?.kind).toBe('same');
  });
});

describe('the points of sums', () => {
  const profile = [
    { year: 2022, tco2e: { net: 63_900 }, intervals: { net: [60_000, 67_800] as const } },
    { year: 2023, tco2e: { net: 64_150 }, intervals: { net: [60_200, 68_100] as const, forest: null } },
  ];

  it('have the interval of each year, so that chance is not told as a change', () => {
    const points = sumPoints(profile, 'net');
    expect(points.map(({ interval }) => interval)).toEqual([
      [60_000, 67_800],
      [60_200, 68_100],
    ]);
    expect(changeOf(points)?.kind).toBe('unclear');
    expect(sumPoints(profile, 'forest')[1]).toMatchObject({ tco2e: null, interval: null });
  });

  it('have a band only over years that follow each other with an interval', () => {
    const points = trendPoints([2019, 2020, 2021, 2022, 2023], [5, 5, 5, null, 5], [1, 1, null, 1, 1], null);
    const bands = runsOf(points, ({ interval }) => interval);
    expect(bands.map((run) => run.map(([{ year }]) => year))).toEqual([[2019, 2020], [2023]]);
    const lines = runsOf(points, ({ tco2e }) => tco2e);
    expect(lines.map((run) => run.map(([{ year }]) => year))).toEqual([[2019, 2020, 2021], [2023]]);
  });
});
