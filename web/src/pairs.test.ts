import { describe, expect, it } from 'vitest';
import { areDistinct } from './pairs';

const around = (value: number, half: number) => ({ value, low: value - half, high: value + half });

describe('two places', () => {
  it('are told apart where their intervals do not meet, in either order', () => {
    expect(areDistinct(around(10, 2), around(15, 2))).toBe(true);
    expect(areDistinct(around(15, 2), around(10, 2))).toBe(true);
    expect(areDistinct(around(10, 3), around(15, 2))).toBe(false);
    expect(areDistinct(around(-15, 2), around(15, 2))).toBe(true);
  });

  it('are taken as they are without an interval, and never told apart where one is unknown', () => {
    expect(areDistinct({ value: 1, low: null, high: null }, { value: 1.1, low: null, high: null })).toBe(
      true,
    );
    expect(areDistinct({ value: 1, low: null, high: null }, { value: 1, low: null, high: null })).toBe(false);
    expect(areDistinct({ value: null, low: null, high: null }, around(5, 1))).toBe(false);
  });
});
