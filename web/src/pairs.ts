/** Whether two values with intervals can be told apart. */

export interface Interval {
  /** Null: not known. */
  readonly value: number | null;
  /** Null: the value is given without an interval. */
  readonly low: number | null;
  readonly high: number | null;
}

/** Two known values whose 90 % intervals do not meet; one without an interval is taken as it is. */
export function areDistinct(a: Interval, b: Interval): boolean {
  if (a.value === null || b.value === null) return false;
  const [lowA, highA] = [a.low ?? a.value, a.high ?? a.value];
  const [lowB, highB] = [b.low ?? b.value, b.high ?? b.value];
  return lowA > highB || lowB > highA;
}
