/** The measures of a scenario: those that there are, and the cards by which more are added. */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Model } from '../model';
import { AddMeasure } from './add_measure';
import {
  areaOf,
  freshId,
  withField,
  withMeasure,
  withoutMeasure,
  type Measure,
  type Scenario,
} from './document';
import { fresh, inOrder, roundedPart, sharedBy, type Card } from './kinds';
import { MeasureRow } from './measure_row';
import { ParameterFields } from './parameter_fields';
import { effectOf, type Catalogue } from './questions';
import type { Session } from './session';
import { nameOfMeasure, textsOf } from './words';

/** The part of the region's people and jobs that come to one place, to begin with. */
const TO_ONE_PLACE = 0.02;

export function Measures(props: {
  model: Model;
  session: Session;
  scenario: Scenario;
  catalogue: Catalogue;
}) {
  const { model, session, scenario, catalogue } = props;
  const s = textsOf(model);
  const summary = session.runs[session.at.value]?.summary.value ?? null;
  const added = useSignal<string | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const last = added.value;
  const shared = sharedBy(scenario.measures, catalogue);
  // Who adds a measure goes on with its slider.
  useLayoutEffect(() => {
    if (last === null) return;
    const row = list.current?.querySelector(`[data-testid="measure-${last}"]`);
    row?.scrollIntoView({ block: 'nearest' });
    row?.querySelector<HTMLElement>('input')?.focus({ preventScroll: true });
  }, [last]);
  const add = (card: Card, told: Readonly<Record<string, unknown>>) => {
    const id = freshId(scenario, card);
    const { population, jobs } = summary?.before ?? {};
    const here =
      card === 'density'
        ? { people: roundedPart(population, TO_ONE_PLACE), jobs: roundedPart(jobs, TO_ONE_PLACE) }
        : {};
    const made = fresh(card, id, 'roads' in told ? undefined : areaOf(session.area.value));
    session.change(withMeasure(scenario, { ...made, ...here, ...told }));
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
        {shared.length > 0 && (
          <details>
            <summary>{s.wholeScenario}</summary>
            <ParameterFields
              model={model}
              measure={withField({ id: 'whole', kind: '' }, 'parameters', scenario.parameters)}
              catalogue={catalogue}
              asked={shared}
              change={({ parameters }) => {
                session.change(withField(scenario, 'parameters', parameters));
              }}
            />
          </details>
        )}
      </section>
      <AddMeasure model={model} session={session} scenario={scenario} catalogue={catalogue} add={add} />
    </>
  );
}
