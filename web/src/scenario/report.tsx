/** A scenario to print: what it changes, where, by which measures, and on which assumptions. */
import { numbersIn, textIn } from '../format';
import { lazily } from '../lazily';
import { loaded } from '../loading';
import type { Model } from '../model';
import { ProblemNote } from '../notices';
import { PaperMap } from '../paper_map';
import { extentOf, linesIn } from '../positions';
import { ReportFrame, ReportLink, ToldSources } from '../report_frame';
import { SECTORS, type Sector } from '../sectors';
import type { Shape } from '../shapes';
import { Scrolled } from '../scrolled';
import { valueOf } from '../expressions';
import { Comparison } from './comparison';
import type { Scenario } from './document';
import { amountOf, inOrder, movedIn } from './kinds';
import { ParameterName, Provenance } from './parameter_fields';
import { changedSectors, effectOf, type Catalogue, type Place, type Summary } from './questions';
import { IndicatorTable, Path, Sureness } from './result_view';
import { changeScale, termOf } from './scale';
import { sessionOf } from './session';
import { amountWords, nameOfMeasure, nameOfScenario, placeWords, spoken, textsOf } from './words';
import './scenario.css';

function shapeOf({ id, geometry, properties }: Place): Shape {
  return { item: { id, properties, bbox: extentOf(geometry) }, rings: linesIn(geometry) };
}

/** Where it changes, on paper. */
function ChangeMap({ model, places, sector }: { model: Model; places: readonly Place[]; sector: Sector }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const scale = changeScale(places, sector, 'light');
  const shapes = places.map(shapeOf);
  if (!scale) return null;
  const terms = termOf(sector, 'change');
  return (
    <PaperMap
      model={model}
      shapes={shapes}
      values={places.map(({ properties }) => valueOf(properties, terms, 't_per_ha'))}
      scale={scale}
      borders="cells"
      title={t.sectorTitles[sector]}
      label={`${s.mapTitle}: ${t.sectorTitles[sector]}`}
      unit={s.mapUnit}
    />
  );
}

function Totals({ model, summary }: { model: Model; summary: Summary }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  return (
    <table class="files">
      <thead>
        <tr>
          <th scope="col">
            {t.sector} <small>{t.units.t}</small>
          </th>
          <th scope="col">
            {s.reportSectors.before} ({summary.baselineYear})
          </th>
          <th scope="col">{s.reportSectors.change}</th>
          <th scope="col">
            {s.reportSectors.after} ({summary.year})
          </th>
        </tr>
      </thead>
      <tbody>
        {SECTORS.map((sector) => {
          const [before, change] = [summary.baseline[sector], summary.change[sector]];
          return (
            <tr key={sector} class={sector === 'net' ? 'whole' : ''} data-testid={`report-${sector}`}>
              <th scope="row">{t.sectorTitles[sector]}</th>
              <td class="number">{before === null ? t.unknown : numbers.amount(before)}</td>
              <td class="number">
                <data value={String(change)}>{numbers.signed(change)}</data>
              </td>
              <td class="number">{before === null ? t.unknown : numbers.amount(before + change)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function MeasureTable(props: { model: Model; scenario: Scenario; summary: Summary; catalogue: Catalogue }) {
  const { model, scenario, summary, catalogue } = props;
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  return (
    <table class="files">
      <thead>
        <tr>
          <th scope="col">{s.kind}</th>
          <th scope="col" class="words">
            {s.where}
          </th>
          <th scope="col">{s.start}</th>
          <th scope="col">{s.effect}</th>
          <th scope="col">{s.firstIn}</th>
          <th scope="col">{s.lastIn}</th>
        </tr>
      </thead>
      <tbody>
        {inOrder(scenario.measures, catalogue).map((measure) => {
          const effect = effectOf(summary, measure);
          const told = movedIn(measure)
            .map((knob) => {
              const words = amountWords(knob, amountOf(measure, knob), numbers);
              return `${s.knobs[knob.field] ?? knob.field} ${words}`;
            })
            .join(', ');
          return (
            <tr key={measure.id}>
              <th scope="row">
                {nameOfMeasure(measure, s)} <small>{told}</small>
              </th>
              <td>{placeWords(measure, model, s)}</td>
              <td class="number">
                {measure.start ?? s.atOnce}
                {measure.ramp_years !== undefined && measure.ramp_years > 0 && ` + ${measure.ramp_years}`}
              </td>
              {[effect?.tco2e, effect?.firstIn, effect?.lastIn].map((value, index) => (
                <td key={index} class="number">
                  {value === undefined ? '–' : numbers.signed(value)}
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Body({ model }: { model: Model }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const session = sessionOf(model);
  const at = session.at.value;
  const scenario = session.scenario.value;
  const run = session.runs[at];
  const catalogue = loaded(session.catalogue.value);
  const summary = run?.summary.value;
  const places = run?.places.value;
  const problem = session.problem.value ?? run?.problem.value;
  if (problem) return <ProblemNote problem={problem} t={t} missing={s.missing} />;
  if (!scenario || !summary || !places || !catalogue)
    return <div class="skeleton card-skeleton" role="status" aria-label={s.running} />;
  const sectors: readonly Sector[] = [
    'net',
    ...changedSectors(summary).filter((one) => summary.change[one] !== 0),
  ];
  return (
    <>
      <section>
        <h2>{s.reportSummary}</h2>
        <Scrolled label={s.reportSummary}>
          <Totals model={model} summary={summary} />
        </Scrolled>
        <Sureness model={model} summary={summary} />
        <Path model={model} summary={summary} name={nameOfScenario(scenario, at, s)} />
      </section>
      <section>
        <h2>{s.measures}</h2>
        <Scrolled label={s.measures}>
          <MeasureTable model={model} scenario={scenario} summary={summary} catalogue={catalogue} />
        </Scrolled>
        <p class="fine">{s.effectHelp}</p>
      </section>
      <section>
        <h2>{s.reportMaps}</h2>
        <div class="small-maps">
          {sectors.map((sector) => (
            <ChangeMap key={sector} model={model} places={places.places} sector={sector} />
          ))}
        </div>
      </section>
      {session.slots.value.length > 1 && (
        <section>
          <h2>{s.comparison}</h2>
          <Comparison model={model} />
        </section>
      )}
      <section>
        <h2>{s.indicators}</h2>
        <IndicatorTable model={model} summary={summary} />
      </section>
      {summary.parameters.length > 0 && (
        <section>
          <h2>{s.reportAssumptions}</h2>
          <ul class="bullets">
            {summary.parameters.map((parameter, index) => (
              <li key={`${parameter.id} ${index}`}>
                <ParameterName model={model} parameter={parameter} />{' '}
                <Provenance model={model} parameter={parameter} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>{s.reportNotes}</h2>
        <ul class="bullets">
          <li>
            {s.whatIf} {s.outsideCells}
          </li>
          {summary.notes.map(({ text }) => (
            <li key={text} translate={false}>
              {text}
            </li>
          ))}
          <ToldSources region={session.told.value} lang={model.lang.value} t={t} />
        </ul>
        <ReportLink model={model} label={s.reportLink} />
      </section>
    </>
  );
}

const PlanReport = lazily(
  async () => (await import('../plan/plan_report')).PlanReport,
  () => null,
);

/** The report of what the address asks for: the scenario in sight, or the answer to a planner's question. */
export function ScenarioReport({ model }: { model: Model }) {
  return model.view.value.plan ? <PlanReport model={model} /> : <ResultReport model={model} />;
}

const ResultReport = spoken(function ResultReport({ model }: { model: Model }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const region = model.region.value;
  const session = sessionOf(model);
  const scenario = session.scenario.value;
  const name = nameOfScenario(scenario, session.at.value, s);
  const summary = session.runs[session.at.value]?.summary.value;
  return (
    <ReportFrame
      model={model}
      kind={s.kind}
      title={region ? s.reportTitle(name, textIn(region.name, model.lang.value)) : t.title}
      name="scenario-report"
      look="scenario-card"
      of={summary ? { edition: summary.edition, year: summary.baselineYear } : null}
      told={session.told.value}
    >
      {region && <Body model={model} />}
    </ReportFrame>
  );
});
