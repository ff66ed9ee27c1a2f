/** Two charts of costs: what a further tonne costs, and what more money saves. */
import { AmountAxis, axisTicks, chartPaper, corners as onPaper } from '../chart';
import type { Numbers } from '../format';
import type { Step } from './mix_question';

const HEIGHT = 148;
const LEFT = 52;
/** More corners than pixels would only be slow to draw. */
const MOST_CORNERS = 600;

interface Corner {
  readonly x: number;
  readonly y: number;
}

/** Steps of the marginal curve as corners: tonnes saved so far, and what a tonne of the step costs. */
export function curveCorners(curve: readonly Step[]): Corner[] {
  let saved = 0;
  const every = Math.max(1, Math.ceil(curve.length / MOST_CORNERS));
  const corners: Corner[] = [];
  curve.forEach(({ saved: more, unitCost }, index) => {
    const from = saved;
    saved += more;
    if (index % every === 0 || index === curve.length - 1)
      corners.push({ x: from, y: unitCost }, { x: saved, y: unitCost });
  });
  return corners;
}

/**
 * @param at a place on the line that is marked, with a word for it
 */
export function CostChart(props: {
  label: string;
  corners: readonly Corner[];
  numbers: Numbers;
  at: Corner | null;
  word: string;
  dots?: boolean;
  /** What stands in its table, with a head for what lies across and for what rises. */
  rows: readonly Corner[];
  heads: readonly [string, string];
  testid: string;
}) {
  const { label, corners, numbers, at, word, dots = false, rows, heads, testid } = props;
  const all = at ? [...corners, at] : corners;
  if (corners.length < 2) return null;
  const [right, top] = [Math.max(...all.map(({ x }) => x)), Math.max(...all.map(({ y }) => y))];
  const low = Math.min(0, ...all.map(({ y }) => y));
  // Tonnes lie across where the other charts have years.
  const paper = chartPaper(HEIGHT, LEFT, [0, Math.max(right, 1e-9)], [low, Math.max(top, low + 1e-9)]);
  const { x, y } = paper;
  const line = onPaper(corners.map((one) => [x(one.x), y(one.y)]));
  return (
    <figure class="trend path-chart" data-testid={testid}>
      <svg viewBox={paper.viewBox} role="img" aria-label={label}>
        <AmountAxis paper={paper} numbers={numbers} />
        {axisTicks(0, right).map((tick) => (
          <text
            key={tick}
            class="year"
            x={x(tick)}
            y={paper.foot}
            text-anchor={tick === 0 ? 'start' : 'middle'}
          >
            {numbers.short(tick, right)}
          </text>
        ))}
        <polyline class="line" points={line} />
        {dots && corners.map((one) => <circle key={one.x} class="end" cx={x(one.x)} cy={y(one.y)} r="2.5" />)}
        {at && (
          <>
            <line class="today" x1={x(at.x)} x2={x(at.x)} y1={y(paper.amounts[1])} y2={y(low)} />
            <circle class="end" cx={x(at.x)} cy={y(at.y)} r="4.5" />
          </>
        )}
      </svg>
      <figcaption class="path-key">
        <span class="axes">{label}</span>
        {at && <span class="key-today">{word}</span>}
      </figcaption>
      <div class="visually-hidden">
        <table>
          <caption>{label}</caption>
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((one, index) => (
              <tr key={index}>
                <td>
                  <data value={String(one.x)}>{numbers.amount(one.x)}</data>
                </td>
                <td>
                  <data value={String(one.y)}>{numbers.amount(one.y)}</data>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
