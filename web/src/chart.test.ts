import { describe, expect, it } from 'vitest';
import { axisTicks, chartPaper, corners } from './chart';

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

describe('the paper of a chart', () => {
  it('lays years out from left to right and amounts from the foot up', () => {
    const { x, y, left, right, foot } = chartPaper(120, 46, [2020, 2024], [-10, 30]);
    expect([x(2020), x(2022), x(2024)]).toEqual([left, (left + right) / 2, right]);
    expect(y(30)).toBeLessThan(y(10));
    expect(y(-10)).toBeLessThan(foot);
    expect((y(-10) + y(30)) / 2).toBeCloseTo(y(10));
  });

  it('puts a year that is alone in the middle', () => {
    const { x, left, right } = chartPaper(120, 50, [2024, 2024], [0, 1]);
    expect(x(2024)).toBe((left + right) / 2);
  });

  it('writes points as SVG does', () => {
    expect(
      corners([
        [1, 2.345],
        [-0.04, 30],
      ]),
    ).toBe('1.0,2.3 -0.0,30.0');
  });
});
