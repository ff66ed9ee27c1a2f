/** The answer to a planner's question, to print: the best mix, or where to act. */
import { nameOf, numbersIn, textIn } from '../format';
import type { Model } from '../model';
import { ProblemNote } from '../notices';
import { PaintedMap } from '../paper_map';
import { extentOf, linesIn } from '../positions';
import { ReportFrame, ReportLink, ToldSources } from '../report_frame';
import { Scrolled } from '../scrolled';
import type { Shape } from '../shapes';
import { textsOf, titleOf } from '../scenario/words';
import type { Geometry } from 'geojson';
import type { Hot } from './hot_question';
import { factsOf, HotHead, steadiness } from './hot_words';
import { MixCharts, MixHead, MixMeasures, MixTrust } from './mix_answer';
import type { Mix } from './mix_question';
import { planPicture } from './plan_picture';
import { planOf } from './plan_session';
import { wordsOf } from './place_words';
import { nameOfZone, planned, planTextsOf } from './plan_words';
import '../scenario/scenario.css';
import './plan.css';

/** Rows that a reader still takes in. */
const MOST_ROWS = 60;

function shapeOf({ id, geometry }: { readonly id: string; readonly geometry: Geometry }): Shape {
  return { item: { id, properties: {}, bbox: extentOf(geometry) }, rings: linesIn(geometry) };
}

function AnswerMap({ model }: { model: Model }) {
  const s = textsOf(model);
  const picture = planPicture(model, 'light');
  if (!picture) return null;
  const ink = (row: (typeof picture.rows)[number]) => ({ ...row, line: row.line ?? false });
  return (
    <section>
      <h2>{s.reportMaps}</h2>
      <PaintedMap
        shapes={picture.places.map(shapeOf)}
        colours={picture.places.map(({ colour }) => colour)}
        outlines={picture.outlines.map(shapeOf)}
        rows={picture.rows.map(ink)}
        borders="zones"
        title={picture.title}
        label={picture.title}
        unit={picture.unit}
      />
    </section>
  );
}

function MixBody({ model, mix }: { model: Model; mix: Mix }) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  const acting = mix.places.filter(({ saved }) => saved > 0).toSorted((a, b) => b.saved - a.saved);
  return (
    <>
      <section>
        <h2>{s.reportSummary}</h2>
        <MixHead model={model} mix={mix} />
        <p class="fine">
          {p.mix.inYear(mix.year)} {p.mix.choosing}:{' '}
          <span translate={false}>{titleOf(mix.collection, model)}</span>. {s.against(mix.baselineYear)}
        </p>
        <MixTrust model={model} mix={mix} />
      </section>
      <section>
        <h2>{p.mix.chosen}</h2>
        <Scrolled label={p.mix.chosen}>
          <MixMeasures model={model} mix={mix} />
        </Scrolled>
      </section>
      <AnswerMap model={model} />
      <section>
        <h2>{p.mix.where}</h2>
        <Scrolled label={p.mix.where}>
          <table class="files">
            <thead>
              <tr>
                <th scope="col">{p.places}</th>
                <th scope="col">{p.mix.savedColumn}</th>
                <th scope="col">{p.mix.spentColumn(mix.currency)}</th>
                <th scope="col" class="words">
                  {p.mix.chosen}
                </th>
              </tr>
            </thead>
            <tbody>
              {acting.slice(0, MOST_ROWS).map((place) => (
                <tr key={place.id} data-testid="report-place">
                  <th scope="row" translate={false}>
                    {nameOf(place.properties, place.id, model.lang.value)}
                  </th>
                  <td class="number">
                    <data value={String(place.saved)}>{numbers.amount(place.saved)}</data>
                  </td>
                  <td class="number">{numbers.short(place.cost)}</td>
                  <td>{wordsOf(place.id, model)?.[2].join('; ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
        {acting.length > MOST_ROWS && <p class="fine">{p.mix.first(MOST_ROWS)}</p>}
      </section>
      <MixCharts model={model} mix={mix} />
    </>
  );
}

function HotBody({ model, hot }: { model: Model; hot: Hot }) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const [first] = hot.zones;
  return (
    <>
      <section>
        <h2>{s.reportSummary}</h2>
        <HotHead model={model} hot={hot} />
        <p class="fine">
          {p.hot.intro} {steadiness(hot, model)}
        </p>
      </section>
      <AnswerMap model={model} />
      {first && (
        <section>
          <h2>{p.hot.candidates}</h2>
          <Scrolled label={p.hot.candidates}>
            <table class="files">
              <thead>
                <tr>
                  <th scope="col">{p.hot.rank}</th>
                  <th scope="col" class="words">
                    {p.places}
                  </th>
                  {factsOf(first, model).map(([name]) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {hot.zones.slice(0, MOST_ROWS).map((zone) => (
                  <tr key={zone.id} data-testid="report-zone">
                    <td class="number">{zone.rank}</td>
                    <th scope="row" translate={false}>
                      {nameOfZone(zone, model)}
                    </th>
                    {factsOf(zone, model).map(([name, told], index) => (
                      <td key={name} class="number">
                        {index === 0 ? <data value={String(zone.emissions)}>{told}</data> : told}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scrolled>
        </section>
      )}
    </>
  );
}

function Body({ model }: { model: Model }) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const t = model.texts.value;
  const { mix, hot, told } = planOf(model);
  const kind = model.view.value.plan?.kind;
  const work = kind === 'mix' ? mix : hot;
  const problem = work.problem.value;
  if (problem) return <ProblemNote problem={problem} t={{ ...t, refused: p.failed }} missing={p.missing} />;
  const notes = (kind === 'mix' ? mix : hot).found.value?.notes;
  if (!notes && !work.job.value) return <p class="note">{p.unasked}</p>;
  if (!notes) return <div class="skeleton card-skeleton" role="status" aria-label={s.running} />;
  return (
    <>
      {kind === 'mix' && mix.found.value && <MixBody model={model} mix={mix.found.value} />}
      {kind === 'where' && hot.found.value && <HotBody model={model} hot={hot.found.value} />}
      <section>
        <h2>{s.reportNotes}</h2>
        <ul class="bullets">
          <li>{s.whatIf}</li>
          {notes.map((text) => (
            <li key={text} translate={false}>
              {text}
            </li>
          ))}
          <ToldSources region={told.value} lang={model.lang.value} t={t} />
        </ul>
        <ReportLink model={model} label={p.reportLink} />
      </section>
    </>
  );
}

export const PlanReport = planned(function PlanReport({ model }: { model: Model }) {
  const p = planTextsOf(model);
  const t = model.texts.value;
  const region = model.region.value;
  const { answered, told } = planOf(model);
  const kind = model.view.value.plan?.kind === 'mix' ? 'mix' : 'hot';
  return (
    <ReportFrame
      model={model}
      kind={textsOf(model).kind}
      title={region ? p.reportTitle(p[kind].title, textIn(region.name, model.lang.value)) : t.title}
      name="plan-report"
      look="scenario-card"
      of={answered.value}
      told={told.value}
    >
      {region && <Body model={model} />}
    </ReportFrame>
  );
});
