/** Whether two values can be told apart: one rule for cards, trends, the pointer's words and the map. */
import type { ExpressionSpecification } from 'maplibre-gl';
import { Z_90 } from './format';

/** Ends of a 90 % interval; null: not known. */
export type Interval = readonly [low: number, high: number] | null;

/**
 * Whether a difference cannot be told from chance: the intervals meet. Where one is missing nobody knows how sure its
 * value is, which is not to say that it is exact.
 */
export function isIndistinct(a: Interval, b: Interval): boolean {
  if (a === null || b === null) return true;
  return a[0] <= b[1] && b[0] <= a[1];
}

/** Expressions of a value and its standard deviation, and of whether the deviation is known. */
export interface Told {
  readonly value: ExpressionSpecification;
  readonly sd: ExpressionSpecification;
  readonly known: ExpressionSpecification;
}

/** The same for the map. */
export function indistinct(a: Told, b: Told): ExpressionSpecification {
  const half = ({ sd }: Told): ExpressionSpecification => ['*', Z_90, sd];
  const low = (told: Told): ExpressionSpecification => ['-', told.value, half(told)];
  const high = (told: Told): ExpressionSpecification => ['+', told.value, half(told)];
  return ['any', ['!', a.known], ['!', b.known], ['all', ['<=', low(a), high(b)], ['<=', low(b), high(a)]]];
}
