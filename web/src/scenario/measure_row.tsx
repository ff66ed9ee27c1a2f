/** One measure: its slider, what it does, and what it rests on. */
import { useSignal } from '@preact/signals';
import { CloseButton } from '../close_button';
import { numbersIn } from '../format';
import type { Model } from '../model';
import { withField, type Measure } from './document';
import { amountOf, cardOf, fitted, FORMS, gapsOf, isKind, movedIn, type Knob } from './kinds';
import { MeasureChoice, MeasurePlace } from './measure_place';
import { NumberField } from './number_field';
import { CostFields, ParameterFields } from './parameter_fields';
import type { Catalogue, Effect, Indicators } from './questions';
import { amountWords, nameOfMeasure, placeWords, textsOf } from './words';

export function Slider(props: {
  id?: string;
  label: string;
  knob: Knob;
  value: number;
  told: string;
  move: (value: number) => void;
}) {
  const { id, label, knob, value, told, move } = props;
  return (
    <label class="knob">
      <span>{label}</span>
      {/* No output: a label would name that, and not the slider. */}
      <b>{told}</b>
      <input
        type="range"
        id={id}
        min={knob.low}
        max={knob.high}
        step={knob.step}
        value={value}
        aria-label={label}
        aria-valuetext={told}
        onInput={(event) => {
          move(Number(event.currentTarget.valueAsNumber.toFixed(6)));
        }}
      />
    </label>
  );
}

/** How many are there today of what a knob of growth adds. */
function thereOf(field: string, today: Indicators | null): number | null {
  return field === 'people' ? (today?.population ?? null) : field === 'jobs' ? (today?.jobs ?? null) : null;
}

function Knobs(props: {
  model: Model;
  measure: Measure;
  today: Indicators | null;
  change: (measure: Measure, moving: boolean) => void;
}) {
  const { model, measure, today, change } = props;
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  return (
    <>
      {movedIn(measure).map((knob) => {
        const value = amountOf(measure, knob);
        const there = thereOf(knob.field, today);
        const share = there !== null && there > 0 ? ` (${numbers.signedPercent(value / there)})` : '';
        return (
          <Slider
            key={knob.field}
            label={s.knobs[knob.field] ?? knob.field}
            knob={fitted(knob, value, there)}
            value={value}
            told={amountWords(knob, value, numbers) + share}
            move={(moved) => {
              change(withField(measure, knob.field, moved), true);
            }}
          />
        );
      })}
    </>
  );
}

function Effects({ model, effect }: { model: Model; effect: Effect }) {
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  const rows: readonly (readonly [string, number])[] = [
    [s.effect, effect.tco2e],
    [s.firstIn, effect.firstIn],
    [s.lastIn, effect.lastIn],
  ];
  return (
    <dl class="effects" title={s.effectHelp}>
      {rows.map(([name, tco2e]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <data value={String(tco2e)}>{numbers.signed(tco2e)}</data>
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function MeasureRow(props: {
  model: Model;
  measure: Measure;
  catalogue: Catalogue;
  shared: Measure['parameters'];
  effect: Effect | null;
  today: Indicators | null;
  /** Years from the baseline to the target. */
  years: readonly [from: number, to: number];
  change: (measure: Measure, moving: boolean) => void;
  remove: () => void;
}) {
  const { model, measure, catalogue, shared, effect, today, years, change, remove } = props;
  const s = textsOf(model);
  const open = useSignal(false);
  const name = nameOfMeasure(measure, s);
  const gaps = gapsOf(measure, catalogue, shared);
  const known = isKind(measure.kind);
  const stage = catalogue.kinds[measure.kind]?.stage ?? '';
  const now = (changed: Measure) => {
    change(changed, false);
  };
  const form = cardOf(measure) === 'growth' ? FORMS.find((one) => one === measure.form) : undefined;
  return (
    <li class="measure" data-testid={`measure-${measure.id}`}>
      <header>
        <div>
          <h4>{name}</h4>
          <p class="fine">
            {s.stage(s.stages[stage] ?? stage)} · {placeWords(measure, model, s)}
          </p>
        </div>
        <CloseButton label={s.remove(name)} close={remove} />
      </header>
      {!known && <p class="fine">{s.otherKind}</p>}
      {form && <p class="fine">{s.formDetails[form]}</p>}
      <MeasureChoice model={model} measure={measure} change={now} />
      <Knobs model={model} measure={measure} today={today} change={change} />
      {gaps.length > 0 && (
        <p class="note gap-note" role="status">
          {s.asks(gaps.length)}
        </p>
      )}
      {effect && <Effects model={model} effect={effect} />}
      <details
        open={open.value || gaps.length > 0}
        onToggle={(event) => {
          open.value = event.currentTarget.open;
        }}
      >
        <summary>{s.details}</summary>
        <div class="measure-details">
          <MeasurePlace model={model} measure={measure} change={now} />
          <label class="field">
            <span>{s.start}</span>
            <NumberField
              min={years[0]}
              max={years[1]}
              value={measure.start ?? null}
              placeholder={s.atOnce}
              choose={(year) => {
                now(withField(measure, 'start', year === null ? undefined : Math.round(year)));
              }}
            />
          </label>
          <label class="field">
            <span>{s.ramp}</span>
            <NumberField
              min={0}
              max={100}
              value={measure.ramp_years ?? 0}
              choose={(given) => {
                const ramp = Math.round(given ?? 0);
                now(withField(measure, 'ramp_years', ramp === 0 ? undefined : ramp));
              }}
            />
          </label>
          <ParameterFields model={model} measure={measure} catalogue={catalogue} change={now} />
          <CostFields model={model} measure={measure} effect={effect} change={now} />
        </div>
      </details>
    </li>
  );
}
