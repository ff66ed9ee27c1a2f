/** What the optimiser chose: totals, how sure, measures, places, and what more or less would cost. */
import { useSignal } from '@preact/signals';
import { nameOf, numbersIn } from '../format';
import type { Model } from '../model';
import type { Scenario } from '../scenario/document';
import { ResultBadges } from '../scenario/result_badges';
import { textsOf, nameOfMeasure } from '../scenario/words';
import { Notes, OtherEdition, ReportButton } from './asked_by_job';
import type { Mix, MixPlace } from './mix_question';
import { CostChart, curveCorners } from './plan_charts';
import { PlaceLines } from './place_lines';
import { planOf } from './plan_session';
import { planTextsOf } from './plan_words';

const LISTED = 12;
/** A gap is told no finer: 0 % would claim that it is none. */
const FINEST = 0.001;

export function MixHead({ model, mix }: { model: Model; mix: Mix }) {
  const p = planTextsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  return (
    <div data-testid="mix-head">
      <p class="headline-name">{p.mix.saved}</p>
      <p class="headline-value" data-testid="mix-saved">
        <data value={String(mix.saved)}>{numbers.amount(mix.saved)}</data>{' '}
        <small title={t.unitTitles.t}>{t.units.t}</small>
      </p>
      <p class="scenario-change less" data-testid="mix-cost">
        <data value={String(mix.cost)}>{p.mix.cost(numbers.short(mix.cost), mix.currency)}</data>
      </p>
      <p class="fine">
        {mix.target !== null && p.mix.target(numbers.amount(mix.target))}
        {mix.budget !== null && p.mix.spend(numbers.short(mix.budget), mix.currency)}
      </p>
    </div>
  );
}

/** How far to trust it. */
export function MixTrust({ model, mix }: { model: Model; mix: Mix }) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  return (
    <div class="sureness">
      <ResultBadges model={model} region={planOf(model).told.value} assumed={mix.illustrative} />
      <p class="interval" data-testid="mix-gap">
        {mix.stopped && `${p.mix.stopped} `}
        {p.mix.gap(numbers.percent(Math.max(mix.gap, FINEST)))}
      </p>
      <p class={mix.agrees ? 'interval' : 'verdict missed'} data-testid="mix-difference">
        {p.mix.agrees(
          numbers.amount(mix.estimated),
          numbers.amount(mix.saved),
          numbers.percent(Math.abs(mix.difference)),
        )}
        {!mix.agrees && ` ${p.mix.differs}`}
      </p>
      {mix.sure && (
        <p class={mix.sure.share >= mix.sure.asked ? 'interval' : 'verdict missed'} data-testid="mix-sure">
          {p.mix.surely(numbers.percent(mix.sure.share), numbers.short(mix.sure.cost), mix.currency)}
        </p>
      )}
      <p class="fine">{s.whatIf}</p>
    </div>
  );
}

export function MixMeasures({ model, mix }: { model: Model; mix: Mix }) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  const taken = mix.measures.filter(({ places }) => places > 0);
  if (taken.length === 0) return <p class="note">{p.mix.nothing}</p>;
  return (
    <table class="files indicators" data-testid="mix-measures">
      <thead>
        <tr>
          <th scope="col">{p.mix.chosen}</th>
          <th scope="col" title={s.effectHelp}>
            {p.mix.saved}
          </th>
          <th scope="col">{p.mix.costColumn}</th>
          <th scope="col">{p.places}</th>
        </tr>
      </thead>
      <tbody>
        {taken.map((one) => (
          <tr key={one.id}>
            <th scope="row">{nameOfMeasure(one, s)}</th>
            <td
              class="number"
              title={`${s.firstIn} ${numbers.amount(one.firstIn)}, ${s.lastIn} ${numbers.amount(one.lastIn)}`}
            >
              <data value={String(one.saved)}>{numbers.amount(one.saved)}</data>
            </td>
            <td class="number">{numbers.short(one.cost)}</td>
            <td class="number">{numbers.count(one.places)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Drawn({ model, mix }: { model: Model; mix: Mix }) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const { drawn } = planOf(model);
  return (
    <label class="field wide">
      <span>{p.onMap}</span>
      <select
        class="select"
        id="mix-drawn"
        value={drawn.value ?? ''}
        onChange={(event) => {
          drawn.value = event.currentTarget.value === '' ? null : event.currentTarget.value;
        }}
      >
        <option value="">{p.mix.savings}</option>
        {mix.measures
          .filter(({ places }) => places > 0)
          .map((one) => (
            <option key={one.id} value={one.id}>
              {p.mix.level(nameOfMeasure(one, s))}
            </option>
          ))}
      </select>
    </label>
  );
}

function PlaceList({ model, mix }: { model: Model; mix: Mix }) {
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  const { chosen } = planOf(model);
  const whole = useSignal(false);
  const acting = mix.places.filter(({ saved }) => saved > 0).toSorted((a, b) => b.saved - a.saved);
  // Who chose one on the map finds it in the list, whatever it saves.
  const listed = acting.filter(({ id }, index) => whole.value || index < LISTED || id === chosen.value);
  const most = acting[0]?.saved ?? 1;
  const bar = ({ saved }: MixPlace) => `${Math.max(0, (saved / most) * 100)}%`;
  if (acting.length === 0) return null;
  return (
    <section>
      <h3>{p.mix.where}</h3>
      <ul class="plan-places" data-testid="mix-places">
        {listed.map((place) => (
          <li key={place.id}>
            <button
              type="button"
              aria-pressed={chosen.value === place.id}
              onClick={() => {
                chosen.value = chosen.value === place.id ? null : place.id;
              }}
            >
              <span translate={false}>{nameOf(place.properties, place.id, model.lang.value)}</span>
              <data value={String(place.saved)}>{numbers.amount(place.saved)}</data>
              <i style={{ inlineSize: bar(place) }} aria-hidden="true" />
            </button>
            {chosen.value === place.id && <PlaceLines id={place.id} model={model} />}
          </li>
        ))}
      </ul>
      {acting.length > LISTED && (
        <button
          type="button"
          class="link"
          aria-expanded={whole.value}
          onClick={() => {
            whole.value = !whole.value;
          }}
        >
          {whole.value ? p.mix.first(LISTED) : p.mix.all(acting.length)}
        </button>
      )}
    </section>
  );
}

/** What a further tonne costs, and what more money saves. */
export function MixCharts({ model, mix }: { model: Model; mix: Mix }) {
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  const corners = curveCorners(mix.curve);
  const points = mix.frontier.map(({ cost, saved }) => ({ x: cost, y: saved })).toSorted((a, b) => a.x - b.x);
  const next = corners.find(({ x }) => x >= mix.saved) ?? corners.at(-1);
  return (
    <>
      {corners.length > 1 && (
        <section>
          <h3>{p.mix.curve}</h3>
          <CostChart
            testid="mix-curve"
            label={p.mix.curveLabel(mix.currency)}
            corners={corners}
            numbers={numbers}
            at={next ? { x: mix.saved, y: next.y } : null}
            word={p.mix.here}
            // Of each step its end: all that is saved by then, and what its last tonne costs.
            rows={corners.filter((_, index) => index % 2 === 1)}
            heads={[p.mix.savedColumn, p.mix.perTonne(mix.currency)]}
          />
        </section>
      )}
      {mix.frontier.length > 1 && (
        <section>
          <h3>{p.mix.frontier}</h3>
          <CostChart
            testid="mix-frontier"
            label={p.mix.frontierLabel(mix.currency)}
            corners={points}
            numbers={numbers}
            at={{ x: mix.cost, y: mix.saved }}
            word={p.mix.here}
            dots
            rows={points}
            heads={[p.mix.spentColumn(mix.currency), p.mix.savedColumn]}
          />
        </section>
      )}
    </>
  );
}

export function MixAnswer({
  model,
  mix,
  open,
}: {
  model: Model;
  mix: Mix;
  open: (scenario: Scenario) => void;
}) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  return (
    <div class="plan-answer" data-testid="mix">
      <OtherEdition model={model} />
      <MixHead model={model} mix={mix} />
      <div class="buttons">
        <button
          type="button"
          class="primary"
          onClick={() => {
            open(mix.scenario);
          }}
        >
          {p.mix.open}
        </button>
        <ReportButton model={model} />
      </div>
      <MixTrust model={model} mix={mix} />
      <MixMeasures model={model} mix={mix} />
      <Drawn model={model} mix={mix} />
      <PlaceList model={model} mix={mix} />
      <MixCharts model={model} mix={mix} />
      <Notes heading={s.notes} notes={mix.notes} />
    </div>
  );
}
