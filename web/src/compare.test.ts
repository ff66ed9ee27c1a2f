import { describe, expect, it } from 'vitest';
import { differenceScale, leastTold, parseCompare, writeCompare, type Compare } from './compare';
import { net } from './layers/net';

describe('a comparison in the address', () => {
  it('is read back as it was written', () => {
    for (const compare of [
      { how: 'swipe', by: 'year', other: '2019', cut: 50 },
      { how: 'side', by: 'sector', other: 'forest', cut: 12 },
      { how: 'swipe', by: 'edition', other: '3f2e18ab7a0594e6', cut: 0 },
      { how: 'difference', by: 'year', other: '2022', cut: 50 },
      { how: 'difference', by: 'sector', other: 'net', cut: 50 },
      { how: 'difference', by: 'edition', other: '3f2e18ab7a0594e6', cut: 50 },
    ] satisfies Compare[]) {
      const query = new URLSearchParams();
      writeCompare(compare, query);
      expect(parseCompare(query.get('vs'), query.get('cut'))).toEqual(compare);
    }
  });

  it('is none where the words mean nothing', () => {
    for (const written of [
      null,
      '',
      'swipe',
      'swipe/year',
      'swipe/year/19',
      'melt/year/2019',
      'side/sector/cows',
      'swipe/edition/../x',
      'swipe/year/2019/x',
    ])
      expect(parseCompare(written, null), String(written)).toBeNull();
  });

  it('has no cut beyond the map', () => {
    expect(parseCompare('swipe/year/2019', '700')?.cut).toBe(100);
    expect(parseCompare('swipe/year/2019', 'x')?.cut).toBe(50);
  });
});

describe('classes of differences', () => {
  const quantiles = Array.from({ length: 201 }, (_, index) => (index / 20) ** 2);

  it('lie around zero even if everything rose', () => {
    const scale = differenceScale({ count: 500, nulls: 0, min: 0, max: 100, quantiles }, net.ramps.light);
    const from = scale?.classes.map((entry) => entry.from) ?? [];
    expect(scale?.zero).toBe(net.ramps.light.zero);
    expect(from.filter((value) => value !== null && value < 0).length).toBe(
      from.filter((value) => value !== null && value > 0).length,
    );
    expect(scale?.classes.some(({ to }) => to === 0)).toBe(true);
  });

  it('are no finer than what can be told apart', () => {
    const spread = { count: 500, nulls: 0, min: -3, max: 100, quantiles };
    const scale = differenceScale(spread, net.ramps.light, 12);
    const breaks = (scale?.classes ?? []).flatMap(({ from }) => (from === null || from <= 0 ? [] : [from]));
    expect(breaks[0]).toBe(12);
    expect(breaks.length).toBeGreaterThan(1);
    for (const [index, size] of breaks.slice(1).entries()) {
      expect(size - (breaks[index] ?? 0)).toBeGreaterThanOrEqual(index === 0 ? 12 : 0);
    }
    expect(differenceScale(spread, net.ramps.light, 200)?.classes.map(({ from, to }) => [from, to])).toEqual([
      [null, 0],
      [0, null],
    ]);
  });

  it('take the least that can be told from the certain quarter of places', () => {
    const spread = (all: number[]) => ({ count: all.length, nulls: 0, min: 0, max: 8, quantiles: all });
    expect(leastTold(spread([0, 0, 1, 2, 3, 4, 5]), spread([0, 1, 1, 1]))).toBeCloseTo(1.645 * 3);
    expect(leastTold(spread([0, 0]), spread([0, 1]))).toBe(0);
  });

  it('say that nothing differs where nothing does', () => {
    const zeros = Array.from({ length: 201 }, () => 0);
    const scale = differenceScale({ count: 9, nulls: 0, min: 0, max: 0, quantiles: zeros }, net.ramps.light);
    expect(scale).toEqual({ classes: [], zero: net.ramps.light.zero });
  });

  it('are none where nothing is known', () => {
    expect(
      differenceScale({ count: 0, nulls: 9, min: null, max: null, quantiles: [] }, net.ramps.light),
    ).toBeNull();
  });
});
