/** Net emissions from today to the target year: the range between sets of elasticities, the target, and the interval. */
import type { Numbers } from '../format';
import { AmountAxis, chartPaper, corners } from '../chart';
import type { ScenarioTexts } from '../texts/scenario';
import type { Texts } from '../texts/texts';
import type { Summary } from './questions';

/** A line of the chart: one scenario. */
export interface PathLine {
  readonly name: string;
  readonly summary: Summary;
}

const HEIGHT = 132;
/** Room for amounts. */
const LEFT = 50;

/** Lowest and highest of the sets, year by year; the first set is what single numbers are taken from. */
function bandOf({ outcomes, years }: Summary): readonly (readonly [low: number, high: number])[] {
  return years.map((_, index) => {
    const values = outcomes.flatMap(({ path }) => path[index] ?? []);
    return [Math.min(...values), Math.max(...values)];
  });
}

/** The chart, with its numbers in a table for those who do not see it. */
export function PathChart(props: {
  lines: readonly PathLine[];
  s: ScenarioTexts;
  t: Texts;
  numbers: Numbers;
}) {
  const { s, t, numbers } = props;
  // Where net is unknown today, there is nothing to draw.
  const lines = props.lines.flatMap(({ name, summary }) => {
    const { net } = summary.baseline;
    return net === null ? [] : [{ name, summary, net }];
  });
  const [one] = lines;
  if (!one) return null;
  const first = Math.min(...lines.map(({ summary }) => summary.years[0] ?? summary.baselineYear));
  const last = Math.max(...lines.map(({ summary }) => summary.year));
  const alone = lines.length === 1;
  const reached = lines.flatMap(({ summary, net }) => [
    net,
    ...bandOf(summary).flat(),
    ...(summary.target === null ? [] : [summary.target]),
    ...(alone && summary.interval ? summary.interval.map((change) => net + change) : []),
  ]);
  let low = Math.min(...reached);
  let high = Math.max(...reached);
  // The lines need room of their own: a change of a few percent must be seen, and the axis says where it starts.
  const room = Math.max((high - low) * 0.08, Math.abs(high) * 0.02, 1e-9);
  [low, high] = [low - room, high + room];
  const paper = chartPaper(HEIGHT, LEFT, [first, last], [low, high]);
  const { x, y } = paper;
  const { summary } = one;
  const label = s.pathLabel(first, last);
  return (
    <figure class="trend path-chart" data-testid="path">
      <svg viewBox={paper.viewBox} role="img" aria-label={label}>
        <AmountAxis paper={paper} numbers={numbers} />
        <line class="today" x1={paper.left} x2={paper.right} y1={y(one.net)} y2={y(one.net)} />
        {lines.map(({ name, summary: { target, year } }, index) =>
          target === null ? null : (
            <g key={name} class={`target line-${index}`}>
              <line x1={paper.left} x2={x(year)} y1={y(target)} y2={y(target)} />
              <circle cx={x(year)} cy={y(target)} r="4" />
            </g>
          ),
        )}
        {lines.map(({ name, summary: of, net }, index) => {
          const band = bandOf(of);
          const years = of.years;
          const line = years.map((year, place) => [x(year), y(of.outcomes[0]?.path[place] ?? net)] as const);
          const [end] = line.slice(-1);
          return (
            <g key={name} class={`line-${index}`}>
              <polygon
                class="band"
                points={corners([
                  ...years.map((year, place) => [x(year), y(band[place]?.[1] ?? 0)] as const),
                  ...years.map((year, place) => [x(year), y(band[place]?.[0] ?? 0)] as const).toReversed(),
                ])}
              />
              <polyline class="line" points={corners(line)} />
              {alone && of.interval && (
                <line
                  class="whisker"
                  x1={x(of.year)}
                  x2={x(of.year)}
                  y1={y(net + of.interval[0])}
                  y2={y(net + of.interval[1])}
                />
              )}
              {end && <circle class="end" cx={end[0]} cy={end[1]} r="3.5" />}
            </g>
          );
        })}
        {[first, last].map((year, index) => (
          <text
            key={year}
            class={index === 1 ? 'year now' : 'year'}
            x={x(year)}
            y={paper.foot}
            text-anchor={index === 1 ? 'end' : 'start'}
          >
            {year}
          </text>
        ))}
      </svg>
      <figcaption class="path-key">
        <span class="key-today">{s.pathToday}</span>
        {summary.outcomes.length > 1 && <span class="key-band">{s.pathRange}</span>}
        {alone && summary.interval && <span class="key-whisker">{s.pathInterval}</span>}
        {lines.some(({ summary: { target } }) => target !== null) && (
          <span class="key-target">{s.pathTarget}</span>
        )}
      </figcaption>
      <table class="visually-hidden">
        <caption>{label}</caption>
        <thead>
          <tr>
            <th scope="col">{t.year}</th>
            {lines.map(({ name }) => (
              <th key={name} scope="col" translate={false}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {summary.years.map((year) => (
            <tr key={year}>
              <th scope="row">{year}</th>
              {lines.map(({ name, summary: of }) => {
                const net = of.outcomes[0]?.path[of.years.indexOf(year)];
                return (
                  <td key={name}>
                    {net !== undefined && <data value={String(net)}>{numbers.amount(net)}</data>}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
