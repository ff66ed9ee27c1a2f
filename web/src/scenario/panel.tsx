/** The scenario panel: how the city grows, which measures are taken, and what comes of it. */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { CloseButton } from '../close_button';
import { loaded } from '../loading';
import type { Model } from '../model';
import { ProblemNote } from '../notices';
import { useOpened } from '../opened';
import { Pill } from '../pill';
import { numbersIn } from '../format';
import { SCENARIO_MAPS } from '../state';
import { Comparison } from './comparison';
import {
  areaOf,
  freshId,
  withMeasure,
  withoutMeasure,
  MOST_SLOTS,
  type Measure,
  type Scenario,
} from './document';
import { FORMS, fresh, GROUPS, inOrder, roundStep, type Form, type Kind } from './kinds';
import { MeasureRow } from './measure_row';
import { effectOf, type Catalogue, type Summary } from './questions';
import { Headline, IndicatorTable, Path, SectorChanges, Sureness, TargetFields } from './result_view';
import { sessionOf, type Session } from './session';
import { Sharing } from './sharing';
import { letterOf, nameOfMeasure, nameOfScenario, spoken, textsOf } from './words';
import { Where } from './where';
import './scenario.css';

/** Where the panel is a low sheet, the chart scrolls with it; else it stays in sight while a slider moves. */
function isNarrow(): boolean {
  return matchMedia('(max-width: 720px), (max-height: 700px)').matches;
}

/** The part of today's people and jobs that one click adds. */
const ONE_CLICK = 0.1;

/** Growth in a form: what is there of it keeps its numbers, and changes only where people go. */
function grown(scenario: Scenario, form: Form, summary: Summary | null): Scenario {
  const there = scenario.measures.find(({ kind }) => kind === 'growth');
  if (there) return withMeasure(scenario, { ...there, form });
  const part = (of: number | null | undefined) => {
    const step = roundStep(of ?? 0);
    return Math.round(((of ?? 0) * ONE_CLICK) / step) * step;
  };
  return withMeasure(scenario, {
    id: freshId(scenario, 'growth'),
    kind: 'growth',
    form,
    people: part(summary?.before.population),
    jobs: part(summary?.before.jobs),
  });
}

function Tabs({ model, session }: { model: Model; session: Session }) {
  const s = textsOf(model);
  const { slots, at } = session;
  const several = slots.value.length > 1;
  return (
    <div class="scenario-tabs">
      {several && (
        <div class="pills" role="group" aria-label={s.tabs}>
          {slots.value.map(({ scenario }, index) => {
            const name = nameOfScenario(scenario, index, s);
            return (
              <span key={letterOf(index)} class={`tab line-${index}`}>
                <button
                  type="button"
                  aria-pressed={index === at.value}
                  onClick={() => {
                    session.choose(index);
                  }}
                >
                  <i aria-hidden="true" />
                  <span translate={false}>{name}</span>
                </button>
                <button
                  type="button"
                  class="drop"
                  aria-label={s.drop(name)}
                  title={s.drop(name)}
                  onClick={() => {
                    session.drop(index);
                  }}
                >
                  ×
                </button>
              </span>
            );
          })}
        </div>
      )}
      {slots.value.length < MOST_SLOTS && (
        <button
          type="button"
          class="link"
          onClick={() => {
            session.copy();
          }}
        >
          {s.copy}
        </button>
      )}
    </div>
  );
}

function Growth({ model, session, summary }: { model: Model; session: Session; summary: Summary | null }) {
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  const scenario = session.scenario.value;
  const people = summary?.before.population ?? null;
  if (!scenario) return null;
  const now = scenario.measures.find(({ kind }) => kind === 'growth')?.form;
  return (
    <section>
      <h3>{s.growth}</h3>
      <div class="form-buttons">
        {FORMS.map((form) => (
          <button
            key={form}
            type="button"
            aria-pressed={now === form}
            title={s.formDetails[form]}
            disabled={people === null}
            onClick={() => {
              session.change(grown(scenario, form, summary));
            }}
          >
            <FormSign form={form} />
            {s.forms[form]}
          </button>
        ))}
      </div>
      {people !== null && now === undefined && (
        <p class="fine">{s.growthHelp(numbers.count(people * ONE_CLICK))}</p>
      )}
    </section>
  );
}

/** Where newcomers go, in sixteen dots. */
const SIGNS: Readonly<Record<Form, readonly number[]>> = {
  trend: [2, 1, 0, 1, 1, 3, 2, 0, 0, 2, 3, 1, 1, 0, 1, 2],
  compact: [0, 0, 0, 0, 0, 4, 4, 0, 0, 4, 4, 0, 0, 0, 0, 0],
  polycentric: [4, 2, 0, 0, 2, 1, 0, 2, 0, 0, 2, 4, 3, 1, 0, 2],
  sprawl: [2, 2, 2, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2, 2, 2, 2],
};

function FormSign({ form }: { form: Form }) {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true">
      {SIGNS[form].map((size, index) => (
        <circle
          key={index}
          cx={2.5 + (index % 4) * 5}
          cy={2.5 + Math.floor(index / 4) * 5}
          r={0.5 + size * 0.45}
        />
      ))}
    </svg>
  );
}

function AddMeasure(props: {
  model: Model;
  session: Session;
  scenario: Scenario;
  catalogue: Catalogue;
  add: (kind: Kind) => void;
}) {
  const { model, session, scenario, catalogue, add } = props;
  const s = textsOf(model);
  if (scenario.measures.length >= catalogue.most) return <p class="fine">{s.full(catalogue.most)}</p>;
  return (
    <section>
      <h3>{s.add}</h3>
      <Where
        model={model}
        id="where-next"
        label={s.nextWhere}
        place={session.area.value}
        choose={(place) => {
          session.area.value = place;
        }}
      />
      {Object.entries(GROUPS).map(([group, kinds]) => {
        const name = s.groups[group as keyof typeof GROUPS];
        const offered = kinds.filter((kind) => catalogue.kinds[kind]);
        return offered.length === 0 ? null : (
          <div key={group} class="measure-group" role="group" aria-label={name}>
            <h4>
              <i class={`dot dot-${group === 'form' ? 'net' : group}`} aria-hidden="true" /> {name}
            </h4>
            <div class="measure-cards">
              {offered.map((kind) => (
                <button
                  key={kind}
                  type="button"
                  data-kind={kind}
                  onClick={() => {
                    add(kind);
                  }}
                >
                  <strong>{s.kinds[kind]}</strong>
                  <small>{s.abouts[kind]}</small>
                </button>
              ))}
            </div>
          </div>
        );
      })}
    </section>
  );
}

function Measures(props: { model: Model; session: Session; scenario: Scenario; catalogue: Catalogue }) {
  const { model, session, scenario, catalogue } = props;
  const s = textsOf(model);
  const summary = session.runs[session.at.value]?.summary.value ?? null;
  const added = useSignal<string | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const last = added.value;
  // Who adds a measure goes on with its slider.
  useLayoutEffect(() => {
    if (last === null) return;
    const row = list.current?.querySelector(`[data-testid="measure-${last}"]`);
    row?.scrollIntoView({ block: 'nearest' });
    row?.querySelector<HTMLElement>('input')?.focus({ preventScroll: true });
  }, [last]);
  const add = (kind: Kind) => {
    const id = freshId(scenario, kind);
    session.change(withMeasure(scenario, fresh(kind, id, areaOf(session.area.value))));
    added.value = id;
  };
  const remove = (measure: Measure) => {
    session.change(withoutMeasure(scenario, measure.id));
    added.value = null;
    document.getElementById('scenario-title')?.focus();
  };
  return (
    <>
      <section>
        <h3>{s.measures}</h3>
        {scenario.measures.length === 0 ? (
          <p class="fine">{s.noMeasures}</p>
        ) : (
          <ul class="measures" ref={list}>
            {inOrder(scenario.measures, catalogue).map((measure) => (
              <MeasureRow
                key={measure.id}
                model={model}
                measure={measure}
                catalogue={catalogue}
                shared={scenario.parameters as Measure['parameters']}
                effect={effectOf(summary, measure)}
                today={summary?.before ?? null}
                years={[summary?.baselineYear ?? scenario.year, scenario.year]}
                change={(changed, moving) => {
                  session.change(withMeasure(scenario, changed), moving);
                }}
                remove={() => {
                  remove(measure);
                }}
              />
            ))}
          </ul>
        )}
        <p class="visually-hidden" role="status">
          {last !== null &&
            s.added(
              nameOfMeasure(scenario.measures.find(({ id }) => id === last) ?? { id: '', kind: '' }, s),
            )}
        </p>
      </section>
      <AddMeasure model={model} session={session} scenario={scenario} catalogue={catalogue} add={add} />
    </>
  );
}

function MapChoice({ model, session }: { model: Model; session: Session }) {
  const s = textsOf(model);
  return (
    <fieldset class="choice inline">
      <legend>{s.map}</legend>
      <div class="pills">
        {SCENARIO_MAPS.map((map) => (
          <Pill
            key={map}
            name="scenario-map"
            value={map}
            checked={session.map.value === map}
            choose={() => {
              session.show(map);
            }}
          >
            {s.maps[map]}
          </Pill>
        ))}
      </div>
    </fieldset>
  );
}

function Body({ model, session }: { model: Model; session: Session }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const at = session.at.value;
  const scenario = session.scenario.value;
  const run = session.runs[at];
  const catalogue = loaded(session.catalogue.value);
  const failed =
    session.catalogue.value.state === 'failed' ? session.catalogue.value.problem : session.problem.value;
  if (failed) return <ProblemNote problem={failed} t={t} missing={s.missing} />;
  if (!scenario || !run || !catalogue) return <div class="skeleton card-skeleton" aria-hidden="true" />;
  const summary = run.summary.value;
  const problem = run.problem.value;
  const name = nameOfScenario(scenario, at, s);
  return (
    <>
      {scenario.measures.length === 0 && <p>{s.intro}</p>}
      {problem && (
        <div data-testid="scenario-problem">
          <ProblemNote problem={problem} t={{ ...t, refused: s.notRun }} />
        </div>
      )}
      <MapChoice model={model} session={session} />
      <Growth model={model} session={session} summary={summary} />
      <Measures model={model} session={session} scenario={scenario} catalogue={catalogue} />
      {summary && (
        <>
          {isNarrow() && <Path model={model} summary={summary} name={name} />}
          <TargetFields
            model={model}
            scenario={scenario}
            summary={summary}
            change={(changed) => {
              session.change(changed);
            }}
          />
          <Sureness model={model} summary={summary} />
          <SectorChanges model={model} summary={summary} />
          <Comparison model={model} />
          <IndicatorTable model={model} summary={summary} />
        </>
      )}
      <Sharing model={model} scenario={scenario} />
      {summary && summary.notes.length > 0 && (
        <details class="assumptions">
          <summary>{s.notes}</summary>
          <ul lang="en" translate={false}>
            {summary.notes.map(({ text }) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

export const ScenarioPanel = spoken(function ScenarioPanel({ model }: { model: Model }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const session = sessionOf(model);
  const card = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const at = session.at.value;
  const run = session.runs[at];
  const summary = run?.summary.value ?? null;
  const close = useOpened(
    'scenario',
    card,
    () => {
      model.sketch.value = null;
      model.drawnFor.value = null;
      model.update({ scenarios: null });
    },
    '#scenario-tool',
  );
  // Who came here with the keyboard reads on here.
  useLayoutEffect(() => {
    if (document.activeElement?.matches(':focus-visible')) heading.current?.focus();
  }, []);
  return (
    <aside class="card scenario-card" aria-labelledby="scenario-title" data-testid="scenario" ref={card}>
      <header class="card-head">
        <div>
          <p class="card-kind">{s.kind}</p>
          <h2 id="scenario-title" tabIndex={-1} ref={heading} translate={false}>
            {nameOfScenario(session.scenario.value, at, s)}
          </h2>
        </div>
        <CloseButton label={t.close} close={close} />
      </header>
      <div class="scenario-top">
        <Tabs model={model} session={session} />
        {run && <Headline model={model} run={run} />}
        {summary && !isNarrow() && (
          <Path model={model} summary={summary} name={nameOfScenario(session.scenario.value, at, s)} />
        )}
      </div>
      <div class="card-body">
        <Body model={model} session={session} />
      </div>
    </aside>
  );
});
