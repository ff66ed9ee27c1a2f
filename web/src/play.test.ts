import { signal } from '@preact/signals';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { playYears, yearAfter } from './play';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('steps through the years there are, around or up to the ends', () => {
  const years = [2015, 2020, 2023];
  expect(yearAfter(years, 2015, 1, false)).toBe(2020);
  expect(yearAfter(years, 2023, 1, false)).toBe(2023);
  expect(yearAfter(years, 2023, 1, true)).toBe(2015);
  expect(yearAfter(years, 2015, -1, true)).toBe(2023);
  expect(yearAfter([], null, 1, true)).toBeNull();
});

it('shows the next year when this one was drawn and looked at, until it is stopped', () => {
  const [playing, busy, year] = [signal(false), signal(false), signal<number | null>(2022)];
  const shown: (number | null)[] = [];
  const end = playYears(
    {
      playing,
      busy,
      years: signal([2022, 2023]),
      year,
      show(next) {
        shown.push(next);
        busy.value = true;
        year.value = next;
      },
    },
    100,
  );
  vi.advanceTimersByTime(500);
  expect(shown).toEqual([]);
  playing.value = true;
  vi.advanceTimersByTime(100);
  expect(shown).toEqual([2023]);
  vi.advanceTimersByTime(500);
  expect(shown).toEqual([2023]);
  busy.value = false;
  vi.advanceTimersByTime(100);
  expect(shown).toEqual([2023, 2022]);
  playing.value = false;
  busy.value = false;
  vi.advanceTimersByTime(500);
  expect(shown).toHaveLength(2);
  end();
});
