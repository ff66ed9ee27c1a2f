/** Where to act first: what is looked for, and the zones that answer it, each with what it could save. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Badge } from '../badges';
import { textIn } from '../format';
import { loaded } from '../loading';
import type { Model } from '../model';
import { NumberField } from '../scenario/number_field';
import { sessionOf } from '../scenario/session';
import { textsOf } from '../scenario/words';
import { AskButton, Notes, OtherEdition, ReportButton } from './asked_by_job';
import { HotCells } from './hot_cells';
import {
  COUNTED,
  hotInputs,
  PROGRAMMES,
  zoneSets,
  type Hot,
  type HotForm,
  type HotZone,
} from './hot_question';
import { factsOf, HotHead, steadiness } from './hot_words';
import { planOf } from './plan_session';
import { nameOfZone, planTextsOf } from './plan_words';

/** A native select of a few choices. */
function Choice<T extends string>(props: {
  id: string;
  label: string;
  value: T;
  options: readonly { readonly value: T; readonly label: string; readonly data?: boolean }[];
  choose: (value: T) => void;
}) {
  const { id, label, value, options, choose } = props;
  return (
    <label class="field wide">
      <span>{label}</span>
      <select
        class="select"
        id={id}
        value={value}
        onChange={(event) => {
          const found = options.find((one) => one.value === event.currentTarget.value);
          if (found) choose(found.value);
        }}
      >
        {options.map((one) => (
          <option key={one.value} value={one.value} {...(one.data ? { translate: false } : {})}>
            {one.label}
          </option>
        ))}
      </select>
    </label>
  );
}

function Question({ model }: { model: Model }) {
  const p = planTextsOf(model);
  const t = model.texts.value;
  const session = sessionOf(model);
  const { hotForm, hot } = planOf(model);
  const form = hotForm.value;
  const scenario = session.scenario.value;
  const asking = session.asking.value;
  const set = (change: Partial<HotForm>) => {
    hotForm.value = { ...hotForm.peek(), ...change };
  };
  if (!scenario || !asking) return null;
  const sets = zoneSets(loaded(model.collections.value) ?? []);
  const zones = sets.find(({ id }) => id === form.zones) ?? sets[0];
  // What nobody works on saves nothing.
  const programmes = PROGRAMMES.filter((one) => one !== 'own' || scenario.measures.length > 0);
  return (
    <>
      <Choice
        id="hot-sector"
        label={p.hot.sector}
        value={form.sector}
        options={COUNTED.map((one) => ({
          value: one,
          label: one === 'emissions' ? p.hot.allSectors : t.sectorTitles[one],
        }))}
        choose={(sector) => {
          set({ sector });
        }}
      />
      <Choice
        id="hot-zones"
        label={p.hot.zones}
        value={zones?.id ?? ''}
        options={sets.map(({ id, title }) => ({
          value: id,
          label: textIn(title, model.lang.value),
          data: true,
        }))}
        choose={(id) => {
          set({ zones: id });
        }}
      />
      <Choice
        id="hot-programme"
        label={p.hot.programme}
        value={form.programme}
        options={programmes.map((one) => ({ value: one, label: p.hot.programmes[one] }))}
        choose={(programme) => {
          set({ programme });
        }}
      />
      <details>
        <summary>{p.more}</summary>
        <div class="measure-details">
          <label class="field">
            <span>{p.hot.band}</span>
            <NumberField
              min={1}
              value={form.band}
              placeholder={p.hot.touching}
              choose={(band) => {
                set({ band });
              }}
            />
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={form.allYears}
              onChange={(event) => {
                set({ allYears: event.currentTarget.checked });
              }}
            />
            {p.hot.allYears}
          </label>
        </div>
      </details>
      <AskButton
        model={model}
        work={hot}
        label={p.hot.find}
        waits={null}
        ask={() => {
          const years = model.region.peek()?.years ?? [];
          if (zones) hot.ask(hotInputs(form, scenario, zones.id, asking.year, years));
        }}
      />
    </>
  );
}

function Zone(props: { model: Model; hot: Hot; zone: HotZone; act: (zone: HotZone) => void }) {
  const { model, hot, zone, act } = props;
  const s = textsOf(model);
  const p = planTextsOf(model);
  const { chosen } = planOf(model);
  const open = chosen.value === zone.id;
  const row = useRef<HTMLLIElement>(null);
  // Who chose it on the map finds it in the list.
  useLayoutEffect(() => {
    if (open) row.current?.scrollIntoView({ block: 'nearest' });
  }, [open]);
  const rows = factsOf(zone, model);
  return (
    <li class="measure hot-zone" ref={row} data-testid={`hot-${zone.id}`}>
      <button
        type="button"
        class="hot-name"
        aria-expanded={open}
        onClick={() => {
          chosen.value = open ? null : zone.id;
        }}
      >
        <b>{zone.rank}</b>
        <span translate={false}>{nameOfZone(zone, model)}</span>
        <data value={String(zone.emissions)}>{rows[0]?.[1]}</data>
      </button>
      {open && (
        <>
          <dl class="hot-facts">
            {rows.map(([name, told]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  {told}{' '}
                  {name === p.hot.savings && zone.savings !== null && hot.savingsIllustrative && (
                    <Badge
                      kind="illustrative"
                      text={s.statuses.illustrative ?? ''}
                      title={s.illustrativeDetail}
                    />
                  )}
                </dd>
              </div>
            ))}
          </dl>
          <div class="buttons">
            <button
              type="button"
              class="primary"
              onClick={() => {
                act(zone);
              }}
            >
              {p.hot.act}
            </button>
          </div>
        </>
      )}
    </li>
  );
}

function Answer({ model, hot, act }: { model: Model; hot: Hot; act: (zone: HotZone) => void }) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  return (
    <div class="plan-answer" data-testid="hot">
      <OtherEdition model={model} />
      <HotHead model={model} hot={hot} />
      {hot.zones.length > 0 && (
        <p class="fine hot-key">
          <span>{p.places}</span>
          <span>{p.hot.emissions}</span>
        </p>
      )}
      <ul class="measures">
        {hot.zones.map((zone) => (
          <Zone key={zone.id} model={model} hot={hot} zone={zone} act={act} />
        ))}
      </ul>
      <HotCells model={model} hot={hot} />
      <div class="buttons">
        <ReportButton model={model} />
      </div>
      <p class="fine">{steadiness(hot, model)}</p>
      <Notes heading={s.notes} notes={hot.notes} />
    </div>
  );
}

export function HotBody({ model, act }: { model: Model; act: (zone: HotZone) => void }) {
  const { hot } = planOf(model);
  const found = hot.found.value;
  return (
    <>
      <Question model={model} />
      {found && <Answer model={model} hot={found} act={act} />}
    </>
  );
}
