/** How the city grows: a form in one click. */
import { numbersIn } from '../format';
import type { Model } from '../model';
import { freshId, withMeasure, type Scenario } from './document';
import { cardOf, FORMS, roundedPart, type Form } from './kinds';
import type { Summary } from './questions';
import type { Session } from './session';
import { textsOf } from './words';

/** The part of today's people and jobs that one click adds. */
const ONE_CLICK = 0.1;

/** Growth in a form: what is there of it keeps its numbers, and changes only where people go. */
function grown(scenario: Scenario, form: Form, summary: Summary | null): Scenario {
  const there = scenario.measures.find((one) => cardOf(one) === 'growth');
  if (there) return withMeasure(scenario, { ...there, form });
  return withMeasure(scenario, {
    id: freshId(scenario, 'growth'),
    kind: 'growth',
    form,
    people: roundedPart(summary?.before.population, ONE_CLICK),
    jobs: roundedPart(summary?.before.jobs, ONE_CLICK),
  });
}

export function Growth({
  model,
  session,
  summary,
}: {
  model: Model;
  session: Session;
  summary: Summary | null;
}) {
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  const scenario = session.scenario.value;
  const people = summary?.before.population ?? null;
  if (!scenario) return null;
  const now = scenario.measures.find((one) => cardOf(one) === 'growth')?.form;
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
