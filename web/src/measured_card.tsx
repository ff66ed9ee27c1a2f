/** An area of the reader's own: how it is chosen, and what it holds. */
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useAsked } from './asked';
import { Assumptions } from './assumptions';
import { Badge, Badges } from './badges';
import { breakdownOfSum } from './breakdown';
import { Amount, BasisRows, CarrierRows, Coverage, Facts, MethodRows, SectorRows } from './breakdown_rows';
import { CloseButton } from './close_button';
import { numbersIn, textIn } from './format';
import { loaded } from './loading';
import { MeasureChoice } from './measure_choice';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { useOpened } from './opened';
import {
  boundsOf,
  isCrossing,
  LARGEST_FILE,
  outlineInGeoJson,
  readOutline,
  writeOutline,
  type Refusal,
} from './outlines';
import { askStatistics, type Statistics } from './questions';
import { withNeighbours } from './room';
import { fitsLink, type Measured } from './state';
import { sumPoints, Trend } from './trend';

/** The body of the question; null if the link's outline cannot be read. */
export function questionOf(measured: Measured): object | null {
  if (measured.kind === 'items') return { collection: measured.collection, ids: measured.ids };
  const outline = readOutline(measured.outline);
  return outline && { type: 'MultiPolygon', coordinates: outline };
}

function Sums({ model, statistics, measured }: { model: Model; statistics: Statistics; measured: Measured }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const words = { t, numbers: numbersIn(lang) };
  const { numbers } = words;
  const sector = model.sector.value;
  const breakdown = breakdownOfSum(statistics, sector);
  const shownParts = breakdown.parts.filter(({ part }) => sector === 'net' || part === sector);
  const illustrative = shownParts.filter((part) => part.illustrative).map(({ part }) => part);
  const region = model.region.value;
  const grid = (loaded(model.collections.value) ?? []).find(({ id }) => id === statistics.collection);
  const { profile } = statistics;
  const counted = [
    ...(measured.kind === 'outline'
      ? [
          t.measure.counted(
            numbers.count(statistics.rows),
            grid ? textIn(grid.title, lang) : statistics.collection,
          ),
        ]
      : []),
    ...(statistics.partly > 0 ? [t.measure.partly(numbers.count(statistics.partly))] : []),
    ...(breakdown.held ? [t.measure.heldCells(numbers.count(statistics.held))] : []),
  ];
  return (
    <>
      <div class="headline">
        <p class="headline-name">{t.titleIn(t.sectorTitles[sector], statistics.year)}</p>
        {breakdown.tco2e === null ? (
          <p class="headline-value unknown" data-testid="value">
            {t.unknown}
          </p>
        ) : (
          <p class="headline-value" data-testid="value">
            <Amount tco2e={breakdown.tco2e} numbers={numbers} />{' '}
            <small title={t.unitTitles.t}>{t.units.t}</small>
          </p>
        )}
        {breakdown.interval && (
          <p class="interval" data-testid="interval">
            {t.interval(numbers.amount(breakdown.interval[0]), numbers.amount(breakdown.interval[1]))}{' '}
            <small>{t.measure.intervalAtMost}</small>
          </p>
        )}
        <p class="badges">
          <Badges model={model} sector={sector} />
          {breakdown.held && <Badge kind="held" text={t.held} title={t.heldDetail} />}
        </p>
      </div>
      {counted.length > 0 && (
        <p class="fine" data-testid="cells">
          {counted.join(' ')}
        </p>
      )}
      {!fitsLink(measured) && <p class="note">{t.measure.noLink}</p>}
      <Coverage breakdown={breakdown} sector={sector} {...words} />
      <Facts breakdown={breakdown} {...words} />
      {profile.length > 1 && (
        <section>
          <h3>
            {t.card.trend} <small>{t.units.t}</small>
          </h3>
          <Trend
            points={sumPoints(profile, sector)}
            year={statistics.year}
            label={t.card.trendLabel(t.sectorTitles[sector])}
            t={t}
            numbers={numbers}
          />
        </section>
      )}
      <SectorRows parts={breakdown.parts} sector={sector} {...words} />
      <CarrierRows carriers={breakdown.carriers} sector={sector} {...words} />
      {breakdown.carriersTold && <BasisRows carriers={breakdown.carriers} {...words} />}
      <MethodRows parts={shownParts} {...words} />
      {region && illustrative.length > 0 && (
        <Assumptions
          model={model}
          itemKey={{
            region: region.id,
            edition: region.edition,
            collection: statistics.collection,
            year: statistics.year,
          }}
          id={null}
          parts={illustrative}
        />
      )}
    </>
  );
}

function useFile(model: Model): string | null {
  const refusal = useSignal<Refusal | null>(null);
  const { dropped } = model;
  const latest = useRef<File | null>(null);
  const file = dropped.value;
  useEffect(() => {
    if (!file) return;
    // Another one may have been brought by now: that is not taken away with this one, and its answer is the one that counts.
    if (dropped.peek() === file) dropped.value = null;
    latest.current = file;
    refusal.value = null;
    if (file.size > LARGEST_FILE) {
      refusal.value = 'too-large';
      return;
    }
    // What cannot be read at all, as a folder that was dropped, is no GeoJSON either.
    const reading = file
      .text()
      .then(outlineInGeoJson)
      .catch((): Refusal => 'no-json');
    void reading.then((outline) => {
      if (latest.current !== file) return;
      if (typeof outline === 'string') {
        refusal.value = outline;
        return;
      }
      model.update({ measured: { kind: 'outline', outline: writeOutline(outline) }, selected: null });
      model.goal.value = withNeighbours(boundsOf(outline));
    });
  }, [file, dropped, model, refusal]);
  return refusal.value && model.texts.value.measure.refusals[refusal.value];
}

export function MeasuredCard({ model }: { model: Model }) {
  const t = model.texts.value;
  const { measured } = model.view.value;
  const region = model.region.value;
  const year = model.year.value;
  const card = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const refusal = useFile(model);
  const question = measured && questionOf(measured);
  const answer = useAsked(
    model,
    region && year !== null && question ? JSON.stringify([region.id, region.edition, year, question]) : null,
    (signal) =>
      askStatistics(
        model.api,
        { region: region?.id ?? '', edition: region?.edition ?? '', year: year ?? 0 },
        question ?? {},
        signal,
      ),
  );
  const statistics = loaded(answer);
  const outline = measured?.kind === 'outline' ? readOutline(measured.outline) : null;
  // The server judges; what is wrong is said in the reader's words where the page sees it, too.
  const crossing =
    answer.state === 'failed' && answer.problem.status === 400 && outline !== null && isCrossing(outline);

  const close = useOpened(
    'measured',
    card,
    () => {
      model.endSketch();
      model.measuring.value = false;
      model.update({ measured: null });
    },
    '#measure-tool',
  );

  // Nobody goes on drawing for a card that is gone.
  useEffect(
    () => () => {
      if (model.drawnFor.peek() === null) model.endSketch();
    },
    [model],
  );

  // Who came here with the keyboard, or has just finished an outline, reads on here.
  const done = measured !== null;
  useLayoutEffect(() => {
    if (document.activeElement?.matches(':focus-visible')) heading.current?.focus();
  }, [done]);

  const collection =
    measured?.kind === 'items'
      ? (loaded(model.collections.value) ?? []).find(({ id }) => id === measured.collection)
      : undefined;
  return (
    <aside
      class="card"
      aria-labelledby="measured-title"
      aria-busy={answer.state === 'loading'}
      data-testid="measured"
      ref={card}
    >
      <header class="card-head">
        <div>
          <p class="card-kind">
            {measured?.kind === 'items'
              ? t.measure.together(
                  measured.ids.length,
                  collection ? textIn(collection.title, model.lang.value) : '',
                )
              : measured
                ? t.measure.outline
                : '\u00a0'}
          </p>
          <h2 id="measured-title" tabIndex={-1} ref={heading}>
            {measured ? t.measure.title : t.measure.open}
          </h2>
        </div>
        <CloseButton label={t.close} close={close} />
      </header>
      <div class="card-body">
        {(!measured || model.sketch.value) && <MeasureChoice model={model} refusal={refusal} />}
        {measured && !question && <p class="note">{t.measure.brokenLink}</p>}
        {measured && answer.state === 'loading' && <div class="skeleton card-skeleton" aria-hidden="true" />}
        {crossing && (
          <p class="note" role="alert" data-testid="outline-crossing">
            {t.measure.crossing}
          </p>
        )}
        {measured && answer.state === 'failed' && !crossing && (
          <ProblemNote problem={answer.problem} t={t} missing={t.itemMissing} />
        )}
        {statistics?.rows === 0 && (
          <p class="note" role="status">
            {t.measure.nothing}
          </p>
        )}
        {measured && statistics && statistics.rows > 0 && (
          <Sums model={model} statistics={statistics} measured={measured} />
        )}
        {measured && !model.sketch.value && (
          <div class="buttons">
            <button
              type="button"
              onClick={() => {
                model.measuring.value = true;
                model.update({ measured: null });
              }}
            >
              {t.measure.another}
            </button>
          </div>
        )}
      </div>
    </aside>
  );
}
