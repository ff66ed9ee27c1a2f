/** Years one after another, like a film: the next one comes when the map has drawn this one. */
import { effect, type ReadonlySignal } from '@preact/signals';

/** How long a year can be looked at, ms. */
const SHOWN_MS = 1200;

interface Film {
  readonly playing: ReadonlySignal<boolean>;
  /** Whether the map still draws. */
  readonly busy: ReadonlySignal<boolean>;
  readonly years: ReadonlySignal<readonly number[]>;
  readonly year: ReadonlySignal<number | null>;
  readonly show: (year: number | null) => void;
}

/** The year `step` years further on; beyond the last one the first follows if `around`. */
export function yearAfter(
  years: readonly number[],
  year: number | null,
  step: 1 | -1,
  around: boolean,
): number | null {
  if (years.length === 0 || year === null) return year;
  const next = years.indexOf(year) + step;
  if (around) return years[(next + years.length) % years.length] ?? year;
  return years[Math.min(Math.max(next, 0), years.length - 1)] ?? year;
}

/** Show year after year while it plays, for ever; what it returns stops it for good. */
export function playYears({ playing, busy, years, year, show }: Film, shownMs = SHOWN_MS): () => void {
  return effect(() => {
    if (!playing.value || busy.value) return;
    const next = yearAfter(years.value, year.value, 1, true);
    const timer = setTimeout(() => {
      show(next);
    }, shownMs);
    return () => {
      clearTimeout(timer);
    };
  });
}
