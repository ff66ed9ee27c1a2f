/** What is asked of the optimiser: the aim, what may be done and at which cost, and within which limits. */
import { numbersIn, textIn, unitText } from '../format';
import { loaded } from '../loading';
import type { Model } from '../model';
import { Pill } from '../pill';
import { withField, type Measure } from '../scenario/document';
import { amountOf, fitted, gapsOf, knobsOf } from '../scenario/kinds';
import { Slider } from '../scenario/measure_row';
import { NumberField } from '../scenario/number_field';
import { CostInputs, CurrencyField, ParameterFields } from '../scenario/parameter_fields';
import type { Catalogue } from '../scenario/questions';
import { sessionOf } from '../scenario/session';
import { Where } from '../scenario/where';
import { amountWords, textsOf } from '../scenario/words';
import { AskButton } from './asked_by_job';
import { candidate, CHOICES, choosing, mixInputs, type MixForm } from './mix_question';
import { planOf } from './plan_session';
import { planTextsOf } from './plan_words';

const LEAST_SHARE = 0.01;

/** A measure that may be taken: the most of it, and what it costs. */
function Candidate(props: {
  model: Model;
  measure: Measure;
  catalogue: Catalogue;
  change: (measure: Measure) => void;
}) {
  const { model, measure, catalogue, change } = props;
  const s = textsOf(model);
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  const [knob] = knobsOf(measure.kind);
  const gaps = gapsOf(measure, catalogue, undefined);
  if (!knob) return null;
  const amount = amountOf(measure, knob);
  return (
    <div class="candidate">
      <Slider
        label={`${p.mix.most}, ${s.knobs[knob.field] ?? knob.field}`}
        knob={fitted({ ...knob, low: knob.step }, amount, null)}
        value={amount}
        told={amountWords(knob, amount, numbers)}
        move={(moved) => {
          change(withField(measure, knob.field, moved));
        }}
      />
      <label class={measure.costs ? 'field' : 'field gap'}>
        <span>{p.mix.unitCost(unitText(catalogue.kinds[measure.kind]?.unit ?? ''))}</span>
        <NumberField
          inputMode="decimal"
          step="any"
          min={0}
          data-parameter={`cost-${measure.kind}`}
          value={measure.costs?.capital_per_unit ?? null}
          choose={(capital) => {
            change(
              withField(
                measure,
                'costs',
                capital === null ? undefined : { ...measure.costs, capital_per_unit: capital },
              ),
            );
          }}
        />
      </label>
      <details open={gaps.length > 0}>
        <summary>{p.mix.details}</summary>
        <div class="measure-details">
          {measure.costs && (
            <CostInputs
              model={model}
              costs={measure.costs}
              fields={['running_per_unit', 'lifetime_years', 'discount_rate']}
              set={(costs) => {
                change(withField(measure, 'costs', costs));
              }}
            />
          )}
          <ParameterFields model={model} measure={measure} catalogue={catalogue} change={change} />
        </div>
      </details>
    </div>
  );
}

function Goal({
  model,
  form,
  set,
}: {
  model: Model;
  form: MixForm;
  set: (change: Partial<MixForm>) => void;
}) {
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  return (
    <fieldset class="choice">
      <legend>{p.mix.goal}</legend>
      <div class="pills">
        {(['target', 'budget'] as const).map((goal) => (
          <Pill
            key={goal}
            name="mix-goal"
            value={goal}
            checked={form.goal === goal}
            choose={() => {
              set({ goal });
            }}
          >
            {p.mix.goals[goal]}
          </Pill>
        ))}
      </div>
      {form.goal === 'target' ? (
        <Slider
          id="mix-share"
          label={p.mix.share}
          knob={{ field: 'share', low: LEAST_SHARE, high: 1, step: 0.01, start: 0.1, as: 'share' }}
          value={form.share}
          told={numbers.percent(form.share)}
          move={(share) => {
            set({ share });
          }}
        />
      ) : (
        <label class={form.budget === null ? 'field gap' : 'field'}>
          <span>{p.mix.budget(form.currency || '…')}</span>
          <NumberField
            id="mix-budget"
            inputMode="decimal"
            step="any"
            min={0}
            value={form.budget}
            choose={(budget) => {
              set({ budget });
            }}
          />
        </label>
      )}
    </fieldset>
  );
}

function Limits({
  model,
  form,
  set,
}: {
  model: Model;
  form: MixForm;
  set: (change: Partial<MixForm>) => void;
}) {
  const p = planTextsOf(model);
  const field = (
    name: 'measuresPerPlace' | 'costPerPlace' | 'least' | 'most',
    label: string,
    bounds: { min?: number; max?: number } = {},
  ) => (
    <label class="field">
      <span>{label}</span>
      <NumberField
        inputMode="decimal"
        step="any"
        {...bounds}
        value={form[name]}
        choose={(value) => {
          set({ [name]: name === 'measuresPerPlace' && value !== null ? Math.round(value) : value });
        }}
      />
    </label>
  );
  return (
    <details>
      <summary>{p.more}</summary>
      <div class="measure-details">
        <Where
          model={model}
          id="mix-still"
          label={p.mix.still}
          nothing={p.mix.nowhere}
          place={form.still}
          choose={(still) => {
            // Places that stay as they are must be among those that choose.
            set(still?.kind === 'items' ? { still, places: still.collection } : { still });
          }}
        />
        {field('measuresPerPlace', p.mix.measuresPerPlace, { min: 1 })}
        {field('costPerPlace', p.mix.costPerPlace(form.currency || '…'), { min: 0 })}
        <fieldset class="parameters">
          <legend>{p.mix.fair}</legend>
          {field('least', p.mix.least, { min: 0, max: 1 })}
          {field('most', p.mix.mostFair, { min: 1 })}
        </fieldset>
        {form.goal === 'target' && (
          <label class="check">
            <input
              type="checkbox"
              checked={form.sure}
              onChange={(event) => {
                set({ sure: event.currentTarget.checked });
              }}
            />
            {p.mix.sure}
          </label>
        )}
      </div>
    </details>
  );
}

export function MixQuestion({ model, catalogue }: { model: Model; catalogue: Catalogue }) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const session = sessionOf(model);
  const { mixForm, mix } = planOf(model);
  const form = {
    ...mixForm.value,
    currency: mixForm.value.currency || (model.region.value?.currency ?? ''),
  };
  const scenario = session.scenario.value;
  const asking = session.asking.value;
  const set = (change: Partial<MixForm>) => {
    mixForm.value = { ...mixForm.peek(), ...change };
  };
  if (!scenario || !asking) return null;
  const grid = session.runs[session.at.value]?.summary.value?.collection ?? null;
  const collections = choosing(loaded(model.collections.value) ?? [], grid);
  const places = collections.find(({ id }) => id === form.places) ?? collections[0];
  const ready = form.candidates.every(
    (one) => one.costs && gapsOf(one, catalogue, scenario.parameters as Measure['parameters']).length === 0,
  );
  const waits = !places
    ? p.mix.waitsPlaces
    : form.candidates.length === 0 || !ready || form.currency === ''
      ? p.mix.waits
      : form.goal === 'budget' && form.budget === null
        ? p.mix.waitsBudget
        : null;
  const toggle = (kind: (typeof CHOICES)[number], on: boolean) => {
    const rest = form.candidates.filter((one) => one.kind !== kind);
    const known = scenario.measures.find((one) => one.kind === kind);
    set({ candidates: on ? [...rest, candidate(kind, known)] : rest });
  };
  return (
    <>
      <Goal model={model} form={form} set={set} />
      <p class="fine">{p.mix.inYear(scenario.year)}</p>
      <label class="field wide">
        <span>{p.mix.choosing}</span>
        <select
          class="select"
          value={places?.id}
          onChange={(event) => {
            set({
              places: event.currentTarget.value,
              ...(form.still?.kind === 'items' ? { still: null } : {}),
            });
          }}
        >
          {collections.map(({ id, title }) => (
            <option key={id} value={id} translate={false}>
              {textIn(title, model.lang.value)}
            </option>
          ))}
        </select>
      </label>
      <section>
        <h3>{p.mix.measures}</h3>
        <ul class="candidates">
          {CHOICES.filter((kind) => catalogue.kinds[kind]).map((kind) => {
            const measure = form.candidates.find((one) => one.kind === kind);
            return (
              <li key={kind}>
                <label class="check">
                  <input
                    type="checkbox"
                    data-kind={kind}
                    checked={measure !== undefined}
                    onChange={(event) => {
                      toggle(kind, event.currentTarget.checked);
                    }}
                  />
                  {s.kinds[kind]}
                </label>
                {measure && (
                  <Candidate
                    model={model}
                    measure={measure}
                    catalogue={catalogue}
                    change={(changed) => {
                      set({
                        candidates: mixForm
                          .peek()
                          .candidates.map((one) => (one.kind === kind ? changed : one)),
                      });
                    }}
                  />
                )}
              </li>
            );
          })}
        </ul>
        {form.candidates.length > 0 && (
          <CurrencyField
            model={model}
            value={form.currency}
            set={(currency) => {
              set({ currency });
            }}
          />
        )}
      </section>
      <Limits model={model} form={form} set={set} />
      <AskButton
        model={model}
        work={mix}
        label={p.mix.find}
        waits={waits}
        ask={() => {
          if (places) mix.ask(mixInputs(form, scenario, places.id, asking.year));
        }}
      />
    </>
  );
}
