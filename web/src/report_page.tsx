/** A report to print: the state of carbon emissions and removals of a region, for the carbon chapter of a master plan. */
import { useEffect } from 'preact/hooks';
import type { Collection, Region, TableKey } from './api';
import { useAsked } from './asked';
import { isIllustrative } from './badges';
import { breakdownOfSum } from './breakdown';
import { CarrierRows, MethodRows, SectorRows } from './breakdown_rows';
import { askDownloads } from './documents';
import { nameOf, numbersIn, textIn, type Numbers } from './format';
import { THEMES } from './layers/themes';
import { classLabel } from './legend';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { attributionIn, LanguageSwitch } from './panel';
import { askPage, askStatistics, numberOf, type Statistics } from './questions';
import { buildScale, classOf } from './scale';
import { emissionsColumn, PARTS, SECTORS, type Sector } from './sectors';
import { Scrolled } from './scrolled';
import { askShapes, boxOf, MOST_SHAPES, paperFor, type Shape } from './shapes';
import { MOST_ITEMS } from './state';
import type { Texts } from './texts/texts';
import { Trend, trendPoints } from './trend';

/** Cells that are listed as those where most is emitted. */
const HOT_SPOTS = 10;

/** Rows that a reader still takes in. */
const FITS_A_TABLE = 60;

/** The zones that a plan speaks of: the finest administrative set that fits a table, else any zones. */
export function reportZones(collections: readonly Collection[], asked: string): Collection | null {
  const zones = collections.filter(({ kind, count }) => kind === 'zones' && count <= MOST_ITEMS);
  const administrative = zones.filter(({ zoneKind }) => zoneKind === 'administrative');
  const candidates = administrative.length > 0 ? administrative : zones;
  return (
    zones.find(({ id }) => id === asked) ??
    candidates.toSorted((a, b) => b.count - a.count).find(({ count }) => count <= FITS_A_TABLE) ??
    candidates[0] ??
    null
  );
}

/** The grid in which hot spots are named: near 500 m, so that a cell is a neighbourhood. */
export function reportGrid(collections: readonly Collection[]): Collection | null {
  const distance = (size: number | null) => Math.abs(Math.log((size ?? 1) / 500));
  return (
    collections
      .filter(({ kind, cellSizeM }) => kind === 'grid' && cellSizeM !== null)
      .toSorted((a, b) => distance(a.cellSizeM) - distance(b.cellSizeM))[0] ?? null
  );
}

function SmallMap(props: { shapes: readonly Shape[]; sector: Sector; model: Model }) {
  const { shapes, sector, model } = props;
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const box = boxOf(shapes);
  const values = shapes.map(({ item }) => {
    const total = numberOf(item.properties, emissionsColumn(sector));
    const area = numberOf(item.properties, 'area_ha');
    return total === null || area === null || area <= 0 ? null : total / area;
  });
  const known = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  const scale = buildScale(
    {
      count: known.length,
      nulls: values.length - known.length,
      min: known[0] ?? null,
      max: known.at(-1) ?? null,
      quantiles: known,
    },
    // Paper is light, whatever the screen is.
    THEMES[sector].ramps.light,
  );
  if (!box || !scale) return null;
  const paper = paperFor(box, 300);
  return (
    <figure class="small-map">
      <svg
        viewBox={`-1 -1 ${paper.width + 2} ${paper.height + 2}`}
        role="img"
        aria-label={t.sectorTitles[sector]}
      >
        {shapes.map((shape, index) => {
          const at = classOf(scale, values[index] ?? null);
          const colour = at === null ? '#c9c9c6' : at === 'zero' ? scale.zero : scale.classes[at]?.colour;
          return (
            <path
              key={shape.item.id}
              d={paper.path(shape)}
              fill={colour ?? '#c9c9c6'}
              stroke="#39474b"
              stroke-width=".5"
              fill-rule="evenodd"
            />
          );
        })}
      </svg>
      <figcaption>
        <strong>{t.sectorTitles[sector]}</strong> {t.units.t_per_ha}
        <ul>
          {scale.classes.map((entry) => (
            <li key={entry.colour}>
              <i class="swatch" style={{ backgroundColor: entry.colour }} aria-hidden="true" />
              {classLabel(entry, t, numbers)}
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}

function Amount({ value, t, numbers }: { value: number | null; t: Texts; numbers: Numbers }) {
  return value === null ? <em>{t.unknown}</em> : <data value={String(value)}>{numbers.amount(value)}</data>;
}

function Status({ statistics, t, numbers }: { statistics: Statistics; t: Texts; numbers: Numbers }) {
  return (
    <table class="files">
      <thead>
        <tr>
          <th scope="col">{t.sector}</th>
          <th scope="col">{t.units.t}</th>
          <th scope="col">{t.intervalShort}</th>
          <th scope="col">{t.units.t_per_ha}</th>
          <th scope="col">{t.units.t_per_person}</th>
        </tr>
      </thead>
      <tbody>
        {SECTORS.flatMap((sector) => {
          const sum = statistics.sectors.find((one) => one.sector === sector);
          return sum ? [sum] : [];
        }).map(({ sector, tco2e, interval, perHa, perPerson, illustrative }) => (
          <tr key={sector} data-testid={`report-${sector}`} class={sector === 'net' ? 'whole' : ''}>
            <th scope="row">
              {t.sectorTitles[sector]} {illustrative && <abbr title={t.illustrativeHere}>*</abbr>}
            </th>
            <td class="number">
              <Amount value={tco2e} t={t} numbers={numbers} />
            </td>
            <td class="number">
              {interval && t.between(numbers.amount(interval[0]), numbers.amount(interval[1]))}
            </td>
            <td class="number">{perHa !== null && numbers.amount(perHa)}</td>
            <td class="number">{perPerson !== null && numbers.amount(perPerson)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Districts({ shapes, total, model }: { shapes: readonly Shape[]; total: number; model: Model }) {
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  return (
    <>
      <table class="files">
        <thead>
          <tr>
            <th scope="col">{t.table.place}</th>
            {SECTORS.map((sector) => (
              <th key={sector} scope="col">
                {t.sectors[sector]}
              </th>
            ))}
            <th scope="col">{t.units.t_per_ha}</th>
            <th scope="col">{t.population}</th>
          </tr>
        </thead>
        <tbody>
          {shapes.map(({ item }) => {
            const net = numberOf(item.properties, emissionsColumn('net'));
            const area = numberOf(item.properties, 'area_ha');
            const people = numberOf(item.properties, 'population');
            return (
              <tr key={item.id}>
                <th scope="row" translate={false}>
                  {nameOf(item.properties, item.id, model.lang.value)}
                  {item.properties.held === true && <abbr title={t.heldTitle}> †</abbr>}
                </th>
                {SECTORS.map((sector) => (
                  <td key={sector} class="number">
                    <Amount
                      value={numberOf(item.properties, emissionsColumn(sector))}
                      t={t}
                      numbers={numbers}
                    />
                  </td>
                ))}
                <td class="number">
                  {net !== null && area !== null && area > 0 && numbers.amount(net / area)}
                </td>
                <td class="number">{people !== null && numbers.count(people)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {total > shapes.length && (
        <p class="fine">{t.table.rows('1', numbers.count(shapes.length), numbers.count(total))}</p>
      )}
      {shapes.some(({ item }) => item.properties.held === true) && <p class="fine">† {t.heldDetail}</p>}
    </>
  );
}

function HotSpots({ model, tableKey, emitted }: { model: Model; tableKey: TableKey; emitted: number }) {
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const columns = [emissionsColumn('net'), ...PARTS.map(emissionsColumn)];
  const page = useAsked(model, `hot ${JSON.stringify(tableKey)}`, (signal) =>
    askPage(
      model.api,
      tableKey,
      { columns, sort: `-${emissionsColumn('net')}`, limit: HOT_SPOTS, offset: 0 },
      signal,
    ),
  );
  const known = loaded(page);
  if (page.state === 'failed') return <ProblemNote problem={page.problem} t={t} missing={t.itemMissing} />;
  return (
    <table class="files">
      <thead>
        <tr>
          <th scope="col">{t.card.rank}</th>
          <th scope="col">{t.table.place}</th>
          <th scope="col">
            {t.sectors.net} {t.units.t}
          </th>
          <th scope="col">{t.report.ofEmissions}</th>
        </tr>
      </thead>
      <tbody>
        {(known?.items ?? []).map(({ id, properties }, index) => {
          const net = numberOf(properties, emissionsColumn('net'));
          const own = PARTS.reduce(
            (sum, part) => sum + Math.max(0, numberOf(properties, emissionsColumn(part)) ?? 0),
            0,
          );
          return (
            <tr key={id}>
              <td class="number">{index + 1}</td>
              <th scope="row" translate={false}>
                {id}
              </th>
              <td class="number">
                <Amount value={net} t={t} numbers={numbers} />
              </td>
              <td class="number">{emitted > 0 && numbers.percent(own / emitted)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Limits({ model, region }: { model: Model; region: Region }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const downloads = loaded(
    useAsked(model, `downloads ${region.id} ${region.edition}`, (signal) =>
      askDownloads(model.api, { region: region.id, edition: region.edition }, signal),
    ),
  );
  return (
    <section>
      <h2>{t.report.sourcesAndLimits}</h2>
      <ul class="bullets">
        {region.attributions.map((attribution) => (
          <li key={attribution.text} translate={false}>
            {attributionIn(attribution, lang)} {attribution.licence && t.licence(attribution.licence)}
          </li>
        ))}
        {t.about.limitsText.map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
      {downloads && (
        <p>
          <strong>{t.about.cite}</strong> <span translate={false}>{downloads.citation}</span>
        </p>
      )}
    </section>
  );
}

function Body({
  model,
  region,
  zones,
  year,
}: {
  model: Model;
  region: Region;
  zones: Collection;
  year: number;
}) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const numbers = numbersIn(lang);
  const key: TableKey = { region: region.id, edition: region.edition, collection: zones.id, year };
  const names = zones.columns.filter((name) => name.startsWith('name_'));
  const columns = [...names, 'area_ha', 'population', 'held', ...SECTORS.map(emissionsColumn)].filter(
    (name) => zones.columns.includes(name),
  );
  const asked = useAsked(model, `shapes ${JSON.stringify(key)}`, (signal) =>
    askShapes(model.api, key, columns, `-${emissionsColumn('net')}`, signal),
  );
  const found = loaded(asked);
  const ids = found?.shapes.map(({ item }) => item.id) ?? [];
  const answer = useAsked(model, found && `sum ${JSON.stringify([key, ids])}`, (signal) =>
    askStatistics(model.api, key, { collection: zones.id, ids }, signal),
  );
  const statistics = loaded(answer);
  const failed = asked.state === 'failed' ? asked : answer.state === 'failed' ? answer : null;
  if (failed) return <ProblemNote problem={failed.problem} t={t} missing={t.itemMissing} />;
  if (!found || !statistics)
    return <div class="skeleton card-skeleton" role="status" aria-label={t.loadingMap} />;
  const breakdown = breakdownOfSum(statistics, 'net');
  const emitted = breakdown.parts.reduce((sum, { tco2e }) => sum + Math.max(0, tco2e ?? 0), 0);
  const sectors = SECTORS.filter((sector) => sector === 'net' || zones.sectors.includes(sector));
  const words = { t, numbers };
  const grid = reportGrid(loaded(model.collections.value) ?? []);
  return (
    <>
      <section>
        <h2>{t.report.status}</h2>
        <p class="fine">
          {t.report.statusOf(textIn(zones.title, lang), numbers.count(statistics.rows))}{' '}
          {t.measure.intervalAtMost}
        </p>
        <Scrolled label={t.report.status}>
          <Status statistics={statistics} {...words} />
        </Scrolled>
        {breakdown.parts.some(({ illustrative }) => illustrative) && (
          <p class="fine">* {t.illustrativeHere}</p>
        )}
      </section>
      <section>
        <h2>{t.report.maps}</h2>
        <div class="small-maps">
          {sectors.map((sector) => (
            <SmallMap key={sector} shapes={found.shapes} sector={sector} model={model} />
          ))}
        </div>
      </section>
      <section>
        <h2>{t.report.byDistrict}</h2>
        <p class="fine">
          {textIn(zones.title, lang)} · {t.units.t} · {t.perYear(year)}
        </p>
        <Scrolled label={t.report.byDistrict}>
          <Districts shapes={found.shapes} total={found.total} model={model} />
        </Scrolled>
      </section>
      {statistics.profile.length > 1 && (
        <section class="report-trends">
          <h2>{t.card.trend}</h2>
          <div>
            {sectors.map((sector) => (
              <div key={sector}>
                <h3>
                  {t.sectorTitles[sector]} <small>{t.units.t}</small>
                </h3>
                <Trend
                  points={trendPoints(
                    statistics.profile.map((one) => one.year),
                    statistics.profile.map(({ tco2e }) => tco2e[sector] ?? null),
                    null,
                    null,
                  )}
                  year={year}
                  label={t.card.trendLabel(t.sectorTitles[sector])}
                  t={t}
                  numbers={numbers}
                />
              </div>
            ))}
          </div>
        </section>
      )}
      <section class="report-shares">
        <h2>{t.report.shares}</h2>
        <SectorRows parts={breakdown.parts} sector="net" {...words} />
        <CarrierRows carriers={breakdown.carriers} sector="net" {...words} />
        <MethodRows parts={breakdown.parts} {...words} />
      </section>
      {grid && (
        <section>
          <h2>{t.report.concentration}</h2>
          <p class="fine">{textIn(grid.title, lang)}</p>
          <Scrolled label={t.report.concentration}>
            <HotSpots model={model} tableKey={{ ...key, collection: grid.id }} emitted={emitted} />
          </Scrolled>
        </section>
      )}
      <Limits model={model} region={region} />
    </>
  );
}

export function ReportPage({ model }: { model: Model }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const region = model.region.value;
  const year = model.year.value;
  const collections = loaded(model.collections.value) ?? [];
  const zones = reportZones(collections, model.view.value.area);
  const sets = collections.filter(({ kind, count }) => kind === 'zones' && count <= MOST_SHAPES);
  const title = region ? t.report.title(textIn(region.name, lang)) : t.title;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div class="report" data-testid="report">
      <nav class="report-tools" aria-label={t.report.tools}>
        <button
          type="button"
          onClick={() => {
            model.update({ page: null });
          }}
        >
          {t.report.back}
        </button>
        {sets.length > 1 && zones && (
          <label>
            {t.report.by}{' '}
            <select
              class="select"
              value={zones.id}
              onChange={(event) => {
                model.update({ area: event.currentTarget.value });
              }}
            >
              {sets.map(({ id, title: name }) => (
                <option key={id} value={id} translate={false}>
                  {textIn(name, lang)}
                </option>
              ))}
            </select>
          </label>
        )}
        {region && region.years.length > 1 && (
          <label>
            {t.year}{' '}
            <select
              class="select"
              value={String(year)}
              onChange={(event) => {
                model.update({ year: Number(event.currentTarget.value) });
              }}
            >
              {region.years.map((one) => (
                <option key={one} value={String(one)}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        )}
        <LanguageSwitch model={model} />
        <button
          type="button"
          class="primary"
          onClick={() => {
            print();
          }}
        >
          {t.report.print}
        </button>
      </nav>
      <main>
        <header>
          <p class="report-kind">{t.report.kind}</p>
          <h1>{title}</h1>
          {region && (
            <p class="fine">
              {year !== null && t.perYear(year)} · {t.edition} <code translate={false}>{region.edition}</code>
            </p>
          )}
          {region?.synthetic && (
            <p class="note">
              <strong>{t.synthetic}</strong> {t.syntheticDetail}
            </p>
          )}
          {region && isIllustrative(region, 'net') && (
            <p class="note">
              <strong>{t.illustrative}</strong> {t.illustrativeHere}
            </p>
          )}
        </header>
        {region && zones && year !== null && <Body model={model} region={region} zones={zones} year={year} />}
        {region && !zones && collections.length > 0 && <p>{t.report.noZones}</p>}
        {(!region || collections.length === 0) && <div class="skeleton card-skeleton" aria-hidden="true" />}
      </main>
    </div>
  );
}
