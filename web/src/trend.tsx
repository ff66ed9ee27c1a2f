/** A small line over the years with the band in which the true value probably lies. */
import { AmountAxis, chartPaper, corners } from './chart';
import { interval90, type Numbers } from './format';
import { isIndistinct, type Interval } from './indistinct';
import type { Statistics } from './questions';
import type { Sector } from './sectors';
import type { Texts } from './texts/texts';

interface TrendPoint {
  readonly year: number;
  /** Null: not known in that year. */
  readonly tco2e: number | null;
  /** Null: not known, which says nothing about how sure the value is. */
  readonly interval: Interval;
  readonly held: boolean;
}

/** The points of one column of a series and of its deviations; all lists are one value per year. */
export function trendPoints(
  years: readonly number[],
  values: readonly (number | null)[],
  deviations: readonly (number | null)[] | null,
  held: readonly (boolean | null)[] | null,
): TrendPoint[] {
  return years.map((year, index) => {
    const tco2e = values[index] ?? null;
    const sd = deviations?.[index] ?? null;
    return {
      year,
      tco2e,
      interval: tco2e !== null && sd !== null ? interval90(tco2e, sd) : null,
      held: held?.[index] === true,
    };
  });
}

/** The points of one sector of what was added up, each year with the interval of its own sum. */
export function sumPoints(profile: Statistics['profile'], sector: Sector): TrendPoint[] {
  return profile.map(({ year, tco2e, intervals }) => ({
    year,
    tco2e: tco2e[sector] ?? null,
    interval: intervals[sector] ?? null,
    held: false,
  }));
}

export type Change =
  | {
      readonly kind: 'change';
      readonly from: TrendPoint;
      readonly to: TrendPoint;
      readonly share: number | null;
    }
  | { readonly kind: 'unclear' | 'same'; readonly from: TrendPoint; readonly to: TrendPoint };

/**
 * What happened between the first and the last known year; unclear where the intervals overlap.
 *
 * @returns null where an interval is missing: nobody can tell such a change from chance
 */
export function changeOf(points: readonly TrendPoint[]): Change | null {
  const known = points.filter(({ tco2e }) => tco2e !== null);
  const from = known[0];
  const to = known.at(-1);
  if (!from || !to || from === to || from.tco2e === null || to.tco2e === null) return null;
  if (!from.interval || !to.interval) return null;
  if (from.tco2e === to.tco2e) return { kind: 'same', from, to };
  if (isIndistinct(from.interval, to.interval)) return { kind: 'unclear', from, to };
  // A share of something negative or nothing would mislead.
  const share = from.tco2e > 0 && to.tco2e >= 0 ? to.tco2e / from.tco2e - 1 : null;
  return { kind: 'change', from, to, share };
}

const HEIGHT = 104;
/** Room for amounts. */
const LEFT = 46;

/** Years that follow each other and of which something is known, by what `known` finds of them. */
export function runsOf<Known>(
  points: readonly TrendPoint[],
  known: (point: TrendPoint) => Known | null,
): (readonly [point: TrendPoint, known: Known])[][] {
  const found: (readonly [TrendPoint, Known])[][] = [];
  let open: (readonly [TrendPoint, Known])[] = [];
  for (const point of points) {
    const told = known(point);
    if (told !== null) {
      open.push([point, told]);
      continue;
    }
    if (open.length > 0) found.push(open);
    open = [];
  }
  return open.length > 0 ? [...found, open] : found;
}

/** The chart; its numbers stand in a table beside it for those who do not see it. */
export function Trend(props: {
  points: readonly TrendPoint[];
  /** The year that the card speaks of. */
  year: number;
  label: string;
  t: Texts;
  numbers: Numbers;
}) {
  const { points, year, label, t, numbers } = props;
  const known = points.filter(({ tco2e }) => tco2e !== null);
  if (known.length === 0) return null;
  const reached = known.flatMap(({ tco2e, interval }) => [tco2e ?? 0, ...(interval ?? [])]);
  let low = Math.min(...reached);
  let high = Math.max(...reached);
  // Zero belongs on the axis, unless intervals that lie far from it say how much a small step means.
  const measured = known.every(({ interval }) => interval !== null);
  if (low > 0 && (!measured || low < 0.6 * high)) low = 0;
  if (high < 0 && (!measured || high > 0.6 * low)) high = 0;
  if (low === high) [low, high] = [low - Math.abs(low || 1) * 0.1, high + Math.abs(high || 1) * 0.1];
  const first = points[0]?.year ?? year;
  const span = (points.at(-1)?.year ?? year) - first;
  const paper = chartPaper(HEIGHT, LEFT, [first, first + span], [low, high]);
  const { x, y } = paper;
  const every = Math.max(1, Math.ceil(points.length / 5));
  const change = changeOf(points);
  return (
    <figure class="trend" data-testid="trend">
      <svg viewBox={paper.viewBox} role="img" aria-label={label}>
        <AmountAxis paper={paper} numbers={numbers} />
        {runsOf(points, ({ interval }) => interval).map(
          (run) =>
            run.length > 1 && (
              <polygon
                key={run[0]?.[0].year}
                class="band"
                points={corners([
                  ...run.map(([{ year: of }, [, above]]) => [x(of), y(above)] as const),
                  ...run.toReversed().map(([{ year: of }, [below]]) => [x(of), y(below)] as const),
                ])}
              />
            ),
        )}
        {runsOf(points, ({ tco2e }) => tco2e).map((run) => (
          <g key={run[0]?.[0].year}>
            {run.length > 1 && (
              <polyline
                class="line"
                points={corners(run.map(([point, value]) => [x(point.year), y(value)] as const))}
              />
            )}
            {run.map(([point, value]) => (
              <g key={point.year}>
                {point.interval && (
                  <line
                    class="whisker"
                    x1={x(point.year)}
                    x2={x(point.year)}
                    y1={y(point.interval[0])}
                    y2={y(point.interval[1])}
                  />
                )}
                <circle
                  class={[point.year === year ? 'now' : '', point.held ? 'held' : ''].join(' ').trim()}
                  cx={x(point.year)}
                  cy={y(value)}
                  r={point.year === year ? 4.2 : 3}
                >
                  <title>{`${point.year}: ${numbers.amount(value)} ${t.units.t}`}</title>
                </circle>
              </g>
            ))}
          </g>
        ))}
        {points.map((point, index) =>
          (points.length - 1 - index) % every === 0 ? (
            <text
              key={point.year}
              class={point.year === year ? 'year now' : 'year'}
              x={x(point.year)}
              y={paper.foot}
              text-anchor={span > 0 && point.year - first === span ? 'end' : 'middle'}
            >
              {point.year}
            </text>
          ) : null,
        )}
      </svg>
      {change && (
        <figcaption>
          {change.kind !== 'change'
            ? (change.kind === 'same' ? t.card.changeNone : t.card.changeUnclear)(change.from.year)
            : change.share === null
              ? t.card.changeAmount(
                  numbers.signed((change.to.tco2e ?? 0) - (change.from.tco2e ?? 0)),
                  change.from.year,
                )
              : t.card.change(numbers.signedPercent(change.share), change.from.year)}
        </figcaption>
      )}
      <table class="visually-hidden">
        <caption>{label}</caption>
        <thead>
          <tr>
            <th scope="col">{t.year}</th>
            <th scope="col">{t.units.t}</th>
            <th scope="col">{t.intervalShort}</th>
          </tr>
        </thead>
        <tbody>
          {points.map((point) => (
            <tr key={point.year}>
              <th scope="row">{point.year}</th>
              <td>
                {point.tco2e === null ? (
                  t.unknown
                ) : (
                  <data value={String(point.tco2e)}>{numbers.amount(point.tco2e)}</data>
                )}
              </td>
              <td>
                {point.interval &&
                  t.between(numbers.amount(point.interval[0]), numbers.amount(point.interval[1]))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
