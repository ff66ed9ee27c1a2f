/** A report to print: the state of carbon emissions and removals of a region, for the carbon chapter of a master plan. */
import type { Collection, Region, TableKey } from './api';
import { useAsked } from './asked';
import { breakdownOfSum } from './breakdown';
import { CarrierRows, MethodRows, SectorRows } from './breakdown_rows';
import { askDownloads } from './documents';
import { numbersIn, textIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { askPage, askStatistics } from './questions';
import { mapZones, reportGrid, reportZones, wholeZones } from './report_choice';
import { ReportFrame, SourceLines } from './report_frame';
import { HotSpots } from './report_hot';
import { Districts, SmallMap, Status } from './report_parts';
import { Scrolled } from './scrolled';
import { emissionsColumn, SECTORS } from './sectors';
import { askShapes, MOST_SHAPES } from './shapes';
import { MOST_ITEMS } from './state';
import { sumPoints, Trend } from './trend';

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
        <SourceLines region={region} lang={lang} t={t} />
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
  whole,
  year,
}: {
  model: Model;
  region: Region;
  /** Told one by one. */
  zones: Collection;
  /** Added up. */
  whole: Collection;
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
  const finest = mapZones(loaded(model.collections.value) ?? []) ?? zones;
  const finestKey: TableKey = { ...key, collection: finest.id };
  const drawn = useAsked(
    model,
    finest.id === zones.id ? null : `shapes ${JSON.stringify(finestKey)}`,
    (signal) =>
      askShapes(
        model.api,
        finestKey,
        columns.filter((name) => finest.columns.includes(name)),
        `-${emissionsColumn('net')}`,
        signal,
      ),
  );
  const shapes = finest.id === zones.id ? found?.shapes : loaded(drawn)?.shapes;
  const wholeKey: TableKey = { ...key, collection: whole.id };
  const parts = useAsked(model, `parts ${JSON.stringify(wholeKey)}`, (signal) =>
    askPage(model.api, wholeKey, { columns: ['area_ha'], sort: 'id', limit: MOST_ITEMS, offset: 0 }, signal),
  );
  const ids = loaded(parts)?.items.map(({ id }) => id) ?? null;
  const answer = useAsked(model, ids && `sum ${JSON.stringify([wholeKey, ids])}`, (signal) =>
    askStatistics(model.api, wholeKey, { collection: whole.id, ids: ids ?? [] }, signal),
  );
  const statistics = loaded(answer);
  const failed = [asked, drawn, parts, answer].find(({ state }) => state === 'failed');
  if (failed?.state === 'failed')
    return <ProblemNote problem={failed.problem} t={t} missing={t.itemMissing} />;
  if (!found || !shapes || !statistics)
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
          {t.report.statusOf(textIn(whole.title, lang), numbers.count(statistics.rows))}{' '}
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
        <p class="fine">
          <span translate={false}>{textIn(finest.title, lang)}</span> · {t.perYear(year)}
        </p>
        <div class="small-maps">
          {sectors.map((sector) => (
            <SmallMap key={sector} shapes={shapes} sector={sector} model={model} />
          ))}
        </div>
      </section>
      <section>
        <h2>{t.report.byDistrict}</h2>
        <p class="fine">
          <span translate={false}>{textIn(zones.title, lang)}</span> · {t.units.t} · {t.perYear(year)}
        </p>
        <Scrolled label={t.report.byDistrict}>
          <Districts shapes={found.shapes} total={found.total} model={model} />
        </Scrolled>
      </section>
      {statistics.profile.length > 1 && (
        <section class="report-trends">
          <h2>{t.card.trend}</h2>
          <p class="fine">{t.measure.intervalAtMost}</p>
          <div>
            {sectors.map((sector) => (
              <div key={sector}>
                <h3>
                  {t.sectorTitles[sector]} <small>{t.units.t}</small>
                </h3>
                <Trend
                  points={sumPoints(statistics.profile, sector)}
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
          <p class="fine" translate={false}>
            {textIn(grid.title, lang)}
          </p>
          <HotSpots
            model={model}
            tableKey={{ ...key, collection: grid.id }}
            columns={grid.columns}
            zones={shapes}
            emitted={emitted}
          />
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
  return (
    <ReportFrame
      model={model}
      kind={t.report.kind}
      title={region ? t.report.title(textIn(region.name, lang)) : t.title}
      name="report"
      tools={
        <>
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
        </>
      }
    >
      {region && zones && year !== null && (
        <Body
          model={model}
          region={region}
          zones={zones}
          whole={wholeZones(collections) ?? zones}
          year={year}
        />
      )}
      {region && !zones && collections.length > 0 && <p>{t.report.noZones}</p>}
      {(!region || collections.length === 0) && <div class="skeleton card-skeleton" aria-hidden="true" />}
    </ReportFrame>
  );
}
