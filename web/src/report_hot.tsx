/** Where most is emitted, for the report: cells by number on a small map, and by district, amount and interval beside it. */
import type { TableKey } from './api';
import { useAsked } from './asked';
import { interval90, nameOf, numbersIn } from './format';
import { UNKNOWN } from './layers/theme';
import { THEMES } from './layers/themes';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { numberOf } from './questions';
import { Amount, Interval } from './report_parts';
import { Scrolled } from './scrolled';
import { emissionsColumn, PARTS } from './sectors';
import { askShapes, boxOf, holds, middleOf, paperFor, type Shape } from './shapes';

/** Cells that are listed as those where most is emitted. */
const HOT_SPOTS = 10;
const NET = emissionsColumn('net');
const DEVIATION = 'net_sd_tco2e';
/** Width of the small map and radius of a number on it, in its own units. */
const WIDTH = 300;
const RADIUS = 8.5;

/** The zone in which the middle of a cell lies. */
function zoneOf(cell: Shape, zones: readonly Shape[]): Shape | null {
  const { bbox } = cell.item;
  return (bbox && zones.find((zone) => holds(zone, middleOf(bbox)))) ?? null;
}

function HotMap({
  cells,
  zones,
  label,
}: {
  cells: readonly Shape[];
  zones: readonly Shape[];
  label: string;
}) {
  // Of a large region only the districts that hold one of the cells: numbers must not fall on each other.
  const near = zones.filter((zone) => cells.some((cell) => zoneOf(cell, [zone]) !== null));
  const box = boxOf(near.length > 0 ? near : zones);
  if (!box) return null;
  const paper = paperFor(box, WIDTH);
  const colour = THEMES.net.ramps.light.emission.at(-1) ?? UNKNOWN.light;
  return (
    <svg
      class="hot-map"
      viewBox={`-1 -1 ${paper.width + 2} ${paper.height + 2}`}
      role="img"
      aria-label={label}
      data-testid="report-hot-map"
    >
      {(near.length > 0 ? near : zones).map((zone) => (
        <path
          key={zone.item.id}
          d={paper.path(zone)}
          fill="#f3f2ec"
          stroke="#8b979a"
          stroke-width=".7"
          fill-rule="evenodd"
        />
      ))}
      {cells.map((cell) => (
        <path key={cell.item.id} d={paper.path(cell)} fill={colour} opacity=".55" />
      ))}
      {/* The first of all lies on top of the others. */}
      {cells
        .map((cell, index) => ({ cell, number: index + 1 }))
        .toReversed()
        .map(({ cell, number }) => {
          if (!cell.item.bbox) return null;
          const [x, y] = paper.at(middleOf(cell.item.bbox));
          return (
            <g key={cell.item.id}>
              <circle cx={x} cy={y} r={RADIUS} fill="#ffffff" stroke="#1b292d" stroke-width="1" />
              <text x={x} y={y} dy=".35em" text-anchor="middle">
                {number}
              </text>
            </g>
          );
        })}
    </svg>
  );
}

export function HotSpots(props: {
  model: Model;
  /** Of the grid. */
  tableKey: TableKey;
  columns: readonly string[];
  zones: readonly Shape[];
  emitted: number;
}) {
  const { model, tableKey, zones, emitted } = props;
  const t = model.texts.value;
  const lang = model.lang.value;
  const numbers = numbersIn(lang);
  const columns = [NET, DEVIATION, 'held', ...PARTS.map(emissionsColumn)].filter((name) =>
    props.columns.includes(name),
  );
  const answer = useAsked(model, `hot ${JSON.stringify(tableKey)}`, (signal) =>
    askShapes(model.api, tableKey, columns, `-${NET}`, signal, HOT_SPOTS),
  );
  if (answer.state === 'failed')
    return <ProblemNote problem={answer.problem} t={t} missing={t.itemMissing} />;
  const cells = loaded(answer)?.shapes;
  if (!cells) return <div class="skeleton card-skeleton" aria-hidden="true" />;
  const isHeld = ({ item }: Shape) => item.properties.held === true;
  return (
    <>
      <div class="hot">
        <HotMap cells={cells} zones={zones} label={t.report.concentration} />
        <Scrolled label={t.report.concentration}>
          <table class="files">
            <thead>
              <tr>
                <th scope="col">
                  <span class="visually-hidden">{t.card.rank}</span>
                </th>
                <th scope="col" class="words">
                  {t.table.place}
                </th>
                <th scope="col">
                  {t.units.t} <small>{t.intervalShort}</small>
                </th>
                <th scope="col">{t.report.ofEmissions}</th>
              </tr>
            </thead>
            <tbody>
              {cells.map((cell, index) => {
                const { id, properties } = cell.item;
                const net = numberOf(properties, NET);
                const sd = numberOf(properties, DEVIATION);
                const own = PARTS.reduce(
                  (sum, part) => sum + Math.max(0, numberOf(properties, emissionsColumn(part)) ?? 0),
                  0,
                );
                const zone = zoneOf(cell, zones);
                return (
                  <tr key={id} data-testid="report-hot">
                    <td class="number">{index + 1}</td>
                    <th scope="row">
                      {zone && (
                        <span translate={false}>{nameOf(zone.item.properties, zone.item.id, lang)}</span>
                      )}
                      {isHeld(cell) && <abbr title={t.held}> †</abbr>}
                      <code translate={false}>{id}</code>
                    </th>
                    <td class="number">
                      <Amount value={net} t={t} numbers={numbers} />
                      <Interval
                        interval={net !== null && sd !== null && sd > 0 ? interval90(net, sd) : null}
                        t={t}
                        numbers={numbers}
                      />
                    </td>
                    <td class="number">{emitted > 0 && numbers.percent(own / emitted)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scrolled>
      </div>
      {cells.some(isHeld) && <p class="fine">† {t.heldDetail}</p>}
    </>
  );
}
