/** What the charts over years have in common: where years and amounts lie on paper, and the axis of amounts. */
import type { Numbers } from './format';

/** About three round numbers that lie within the range. */
export function axisTicks(low: number, high: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / 2;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).findLast((size) => size <= rough) ?? power;
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** Room around the lines, in the units of the drawing: amounts to the left, years below. */
const RIGHT = 14;
const TOP = 11;
const BOTTOM = 20;
const WIDTH = 308;

type Span = readonly [low: number, high: number];

interface ChartPaper {
  /** Of the whole drawing. */
  readonly viewBox: string;
  readonly left: number;
  readonly right: number;
  /** Where the years stand. */
  readonly foot: number;
  readonly amounts: Span;
  readonly x: (year: number) => number;
  readonly y: (amount: number) => number;
}

/**
 * Lay out a chart.
 *
 * @param left room for the longest amount
 * @param years the first and the last; one alone stands in the middle
 * @param amounts the lowest and the highest, which must differ
 */
export function chartPaper(height: number, left: number, years: Span, amounts: Span): ChartPaper {
  const [first, last] = years;
  const [low, high] = amounts;
  const right = WIDTH - RIGHT;
  return {
    viewBox: `0 0 ${WIDTH} ${height}`,
    left,
    right,
    foot: height - 5,
    amounts,
    x: (year) => left + (last === first ? 0.5 : (year - first) / (last - first)) * (right - left),
    y: (amount) => TOP + ((high - amount) / (high - low)) * (height - TOP - BOTTOM),
  };
}

/** Points as an SVG line has them. */
export function corners(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
}

/** Lines across at round amounts. */
export function AmountAxis({ paper, numbers }: { paper: ChartPaper; numbers: Numbers }) {
  const { amounts, left, right, y } = paper;
  const largest = Math.max(...amounts.map(Math.abs));
  return (
    <>
      {axisTicks(...amounts).map((tick) => (
        <g key={tick} class={tick === 0 ? 'axis zero' : 'axis'}>
          <line x1={left} x2={right} y1={y(tick)} y2={y(tick)} />
          <text x={left - 6} y={y(tick) + 4} text-anchor="end">
            {numbers.short(tick, largest)}
          </text>
        </g>
      ))}
    </>
  );
}
