/** The scenario panel: how the city grows, which measures are taken, and what comes of it. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { CloseButton } from '../close_button';
import { coming } from '../coming';
import { lazily } from '../lazily';
import { loaded } from '../loading';
import type { Model } from '../model';
import { ProblemNote } from '../notices';
import { useOpened } from '../opened';
import { Pill } from '../pill';
import { PLANS, SCENARIO_MAPS } from '../state';
import { Comparison } from './comparison';
import { MOST_SLOTS } from './document';
import { Growth } from './growth';
import { Measures } from './measures';
import { Headline, IndicatorTable, Path, SectorChanges, Sureness, TargetFields } from './result_view';
import { sessionOf, type Session } from './session';
import { Sharing } from './sharing';
import { letterOf, nameOfScenario, spoken, textsOf } from './words';
import './scenario.css';
import './picking.css';

const PlanPanel = lazily(
  async () => (await import('../plan/plan_panel')).PlanPanel,
  coming(
    'skeleton card-skeleton',
    (model) => {
      model.update({ plan: null });
    },
    '#scenario-title',
  ),
);

/** Where the panel is a low sheet, the chart scrolls with it; else it stays in sight while a slider moves. */
function isNarrow(): boolean {
  return matchMedia('(max-width: 720px), (max-height: 700px)').matches;
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

/** What the server can be asked to find, rather than be told. */
function PlanEntries({ model, short }: { model: Model; short: boolean }) {
  const s = textsOf(model);
  return (
    <section>
      <h3>{s.plan}</h3>
      <div class="measure-cards">
        {PLANS.map((kind) => (
          <button
            key={kind}
            type="button"
            data-plan={kind}
            title={s.planAbouts[kind]}
            onClick={() => {
              model.update({ plan: { kind, job: null } });
            }}
          >
            <strong>{s.plans[kind]}</strong>
            {!short && <small>{s.planAbouts[kind]}</small>}
          </button>
        ))}
      </div>
    </section>
  );
}

/** Who opens what was saved on another edition is told, and can see it as it was saved. */
function SavedElsewhere({ model, session }: { model: Model; session: Session }) {
  const s = textsOf(model);
  const saved = session.savedElsewhere.value;
  const now = session.asking.value?.edition;
  if (saved === null || now === undefined) return null;
  return (
    <div class="note" data-testid="saved-elsewhere">
      <p>{s.otherEdition(saved, now)}</p>
      <button
        type="button"
        class="link"
        onClick={() => {
          model.update({ edition: saved });
        }}
      >
        {s.asSaved}
      </button>
    </div>
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
      {session.damaged.value > 0 && (
        <p class="note" role="alert" data-testid="scenario-damaged">
          {session.slots.value.length > session.damaged.value ? s.damagedSome : s.damaged}
        </p>
      )}
      <SavedElsewhere model={model} session={session} />
      {scenario.measures.length === 0 && <p>{s.intro}</p>}
      {problem && (
        <div data-testid="scenario-problem">
          <ProblemNote problem={problem} t={{ ...t, refused: s.notRun }} />
        </div>
      )}
      <MapChoice model={model} session={session} />
      <Growth model={model} session={session} summary={summary} />
      {/* Who has measures needs the room for their sliders. */}
      <PlanEntries model={model} short={scenario.measures.length > 0} />
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
          <ul translate={false}>
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
  const { plan } = model.view.value;
  const close = useOpened(
    'scenario',
    card,
    () => {
      model.endSketch();
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
      {plan ? (
        <PlanPanel model={model} plan={plan} />
      ) : (
        <>
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
        </>
      )}
    </aside>
  );
});
