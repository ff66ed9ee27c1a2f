/** The numbers that a measure rests on: each with its unit, default, limits, range, source and confidence. */
import { useSignal } from '@preact/signals';
import { numbersIn, unitText } from '../format';
import type { Model } from '../model';
import { givenFor, withField, withParameter, type Costs, type Measure } from './document';
import { parametersOf } from './kinds';
import { NumberField } from './number_field';
import type { Catalogue, Effect, Parameter } from './questions';
import { textsOf } from './words';

/** What a parameter is called; one that has no name here by the API's words. */
export function ParameterName({ model, parameter }: { model: Model; parameter: Parameter }) {
  const name = textsOf(model).parameterNames[parameter.id];
  return name === undefined ? <span translate={false}>{parameter.meaning}</span> : <span>{name}</span>;
}

/** What is known of a parameter, under its field; its source and note come in words by the API, in the reader's language. */
export function Provenance(props: { model: Model; parameter: Parameter; id?: string }) {
  const { model, parameter, id } = props;
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  const { value, unit, minimum, maximum, range, source, confidence, status, note } = parameter;
  return (
    <small class="provenance" id={id}>
      <span class={`status status-${status}`}>{s.statuses[status] ?? status}</span>{' '}
      {value === null
        ? s.noDefault
        : status === 'given'
          ? numbers.exact(value)
          : s.default(numbers.exact(value))}{' '}
      ·{' '}
      {unit !== '1' ? (
        <span translate={false}>{unitText(unit)} · </span>
      ) : (
        maximum <= 1.1 && `${s.unitNone} · `
      )}
      {s.limits(numbers.exact(minimum), numbers.exact(maximum))}
      {range && ` · ${s.likely(numbers.exact(range[0]), numbers.exact(range[1]))}`} · {s.confidence}{' '}
      {s.confidences[confidence] ?? confidence}
      {source !== null && value !== null && (
        <>
          {' '}
          · {s.source}: <span translate={false}>{source}</span>
        </>
      )}
      {note !== null && (
        <>
          {' '}
          · <span translate={false}>{note}</span>
        </>
      )}
    </small>
  );
}

/** Fields for the parameters that a measure asks, or for those named. */
export function ParameterFields(props: {
  model: Model;
  measure: Measure;
  catalogue: Catalogue;
  asked?: readonly Parameter[];
  change: (measure: Measure) => void;
}) {
  const { model, measure, catalogue, change } = props;
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  const asked = props.asked ?? parametersOf(measure, catalogue);
  if (asked.length === 0) return null;
  return (
    <fieldset class="parameters">
      <legend>{s.parameters}</legend>
      {asked.map((parameter) => {
        const { id, meaning, value, minimum, maximum } = parameter;
        const given = givenFor(measure, id);
        const name = s.parameterNames[id];
        return (
          <label
            key={id}
            translate={name !== undefined}
            class={value === null && given === null ? 'field gap' : 'field'}
          >
            <ParameterName model={model} parameter={parameter} />
            <NumberField
              aria-label={name ?? meaning}
              aria-describedby={`${measure.id}-${id}`}
              inputMode="decimal"
              step="any"
              min={minimum}
              max={maximum}
              value={given}
              placeholder={value === null ? '' : numbers.exact(value)}
              data-parameter={id}
              choose={(chosen) => {
                change(withParameter(measure, id, chosen));
              }}
            />
            <Provenance model={model} parameter={parameter} id={`${measure.id}-${id}`} />
          </label>
        );
      })}
    </fieldset>
  );
}

const COST_FIELDS = ['capital_per_unit', 'running_per_unit', 'lifetime_years', 'discount_rate'] as const;
const START_OF_COSTS: Required<Costs> = {
  capital_per_unit: 0,
  running_per_unit: 0,
  lifetime_years: 30,
  discount_rate: 0.03,
  currency: '',
};

type CostField = (typeof COST_FIELDS)[number];

/** Numbers of what a unit costs; those that were not given are at their start. */
export function CostInputs(props: {
  model: Model;
  costs: Costs | undefined;
  fields?: readonly CostField[];
  set: (costs: Costs) => void;
}) {
  const { model, costs, fields = COST_FIELDS, set } = props;
  const s = textsOf(model);
  const names = {
    capital_per_unit: s.capital,
    running_per_unit: s.runningCost,
    lifetime_years: s.lifetime,
    discount_rate: s.discount,
  };
  return (
    <>
      {fields.map((field) => {
        const factor = field === 'discount_rate' ? 100 : 1;
        return (
          <label key={field} class="field">
            <span>{names[field]}</span>
            <NumberField
              inputMode="decimal"
              step="any"
              {...(field === 'running_per_unit' ? {} : { min: field === 'lifetime_years' ? 1 : 0 })}
              value={costs ? (costs[field] ?? START_OF_COSTS[field]) * factor : null}
              placeholder={String(START_OF_COSTS[field] * factor)}
              choose={(chosen) => {
                if (chosen !== null) set({ ...START_OF_COSTS, ...costs, [field]: chosen / factor });
              }}
            />
          </label>
        );
      })}
    </>
  );
}

export function CurrencyField({
  model,
  value,
  set,
}: {
  model: Model;
  value: string;
  set: (typed: string) => void;
}) {
  return (
    <label class={value === '' ? 'field gap' : 'field'}>
      <span>{textsOf(model).currency}</span>
      <input
        type="text"
        data-parameter="currency"
        maxLength={3}
        size={4}
        value={value}
        onChange={(event) => {
          const typed = event.currentTarget.value.trim().toUpperCase();
          if (/^[A-Z]{3}$/.test(typed)) set(typed);
        }}
      />
    </label>
  );
}

/** What a unit of the measure costs, as the reader says. */
export function CostFields(props: {
  model: Model;
  measure: Measure;
  effect: Effect | null;
  change: (measure: Measure) => void;
}) {
  const { model, measure, effect, change } = props;
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  const typed = useSignal('');
  if (!effect || effect.unit === '') return null;
  const unit = unitText(effect.unit);
  const currency = measure.costs?.currency ?? (typed.value || (model.region.value?.currency ?? ''));
  const set = (costs: Costs) => {
    change(
      withField(measure, 'costs', {
        ...costs,
        currency: costs.currency === '' ? currency : (costs.currency ?? currency),
      }),
    );
  };
  return (
    <fieldset class="parameters">
      <legend>{s.costs}</legend>
      <p class="fine">
        {s.costUnit(unit)} {s.quantity(numbers.amount(effect.quantity), unit)}
      </p>
      {currency !== '' && <CostInputs model={model} costs={measure.costs} set={set} />}
      <CurrencyField
        model={model}
        value={currency}
        set={(chosen) => {
          if (measure.costs) set({ ...measure.costs, currency: chosen });
          else typed.value = chosen;
        }}
      />
      {effect.costPerYear !== null && (
        <p data-testid="costs">
          {s.costPerYear(numbers.count(effect.costPerYear), effect.currency)}
          {effect.costPerTco2e !== null &&
            ` · ${s.costPerTonne(numbers.count(effect.costPerTco2e), effect.currency)}`}
        </p>
      )}
    </fieldset>
  );
}
