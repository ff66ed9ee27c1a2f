/** Two places of one collection side by side: what each emits and removes, and whether they can be told apart. */
import { useRef } from 'preact/hooks';
import type { Item, TableKey } from './api';
import { useAsked } from './asked';
import { breakdownOf } from './breakdown';
import { Amount } from './breakdown_rows';
import { nameOf, numbersIn } from './format';
import { isIndistinct, type Interval } from './indistinct';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { useOpened } from './opened';
import { askPage } from './questions';
import { isOneOf, SECTORS } from './sectors';

/** Names that fit a list to choose from; of more places the map is the list. */
const MOST_LISTED = 200;

function Choice(props: { model: Model; item: Item; itemKey: TableKey; cancel: () => void }) {
  const { model, item, itemKey, cancel } = props;
  const t = model.texts.value;
  const lang = model.lang.value;
  const collection = (loaded(model.collections.value) ?? []).find(({ id }) => id === itemKey.collection);
  const names = (collection?.columns ?? []).filter((name) => name.startsWith('name_'));
  const listed = collection?.kind === 'zones' && collection.count <= MOST_LISTED;
  const page = loaded(
    useAsked(model, listed ? `names ${JSON.stringify(itemKey)}` : null, (signal) =>
      askPage(
        model.api,
        itemKey,
        { columns: ['area_ha', ...names], sort: 'id', limit: MOST_LISTED, offset: 0 },
        signal,
      ),
    ),
  );
  const others = (page?.items ?? [])
    .filter(({ id }) => id !== item.id)
    .map(({ id, properties }) => [id, nameOf(properties, id, lang)] as const)
    .toSorted((a, b) => a[1].localeCompare(b[1], lang === 'pseudo' ? 'en' : lang));
  return (
    <div class="pair-choice">
      <p class="fine">{t.pair.clickOther}</p>
      {others.length > 0 && (
        <select
          class="select"
          aria-label={t.pair.other}
          value=""
          onChange={(event) => {
            model.pairing.value = false;
            model.update({ pair: event.currentTarget.value });
            // This list goes when the other place comes.
            document.getElementById('card-title')?.focus();
          }}
        >
          <option value="" disabled>
            {t.pair.other}
          </option>
          {others.map(([id, name]) => (
            <option key={id} value={id} translate={false}>
              {name}
            </option>
          ))}
        </select>
      )}
      <button type="button" onClick={cancel}>
        {t.measure.cancel}
      </button>
    </div>
  );
}

interface Side {
  /** Null: not known. */
  readonly value: number | null;
  readonly interval: Interval;
}

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly a: Side;
  readonly b: Side;
  readonly testid: string;
}

function Rows({ model, first, second }: { model: Model; first: Item; second: Item }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const numbers = numbersIn(lang);
  const rows = SECTORS.flatMap((sector): Row[] => {
    const [a, b] = [first, second].map(({ properties }) => breakdownOf(properties, sector));
    if (!a || !b || (a.tco2e === null && b.tco2e === null)) return [];
    const scaled = ({ tco2e, interval }: typeof a, by: number | null): Side =>
      tco2e === null || by === null || by <= 0
        ? { value: null, interval: null }
        : { value: tco2e / by, interval: interval && [interval[0] / by, interval[1] / by] };
    const row = (unit: 't' | 't_per_ha' | 't_per_person', byA: number | null, byB: number | null): Row => ({
      name: t.sectorTitles[sector],
      unit: t.units[unit],
      a: scaled(a, byA),
      b: scaled(b, byB),
      testid: `pair-${sector}-${unit}`,
    });
    return [
      row('t', 1, 1),
      row('t_per_ha', a.areaHa, b.areaHa),
      ...(a.population !== null && b.population !== null
        ? [row('t_per_person', a.population, b.population)]
        : []),
    ];
  });
  const cell = ({ value, interval }: Side) =>
    value === null ? (
      <em>{t.unknown}</em>
    ) : (
      <>
        <Amount tco2e={value} numbers={numbers} />
        {interval && (
          <small class="pair-interval">
            {t.between(numbers.amount(interval[0]), numbers.amount(interval[1]))}
          </small>
        )}
      </>
    );
  return (
    <table class="files pair-table">
      <thead>
        <tr>
          <th scope="col">{t.unit}</th>
          {[first, second].map((item) => (
            <th key={item.id} scope="col" translate={false}>
              {nameOf(item.properties, item.id, lang)}
            </th>
          ))}
        </tr>
      </thead>
      {SECTORS.map((sector) => {
        const own = rows.filter(({ testid }) => testid.startsWith(`pair-${sector}-`));
        return (
          own.length > 0 && (
            <tbody key={sector}>
              <tr>
                <th scope="rowgroup" colSpan={3}>
                  {t.sectorTitles[sector]}
                </th>
              </tr>
              {own.map(({ unit, a, b, testid }) => (
                <tr key={testid} data-testid={testid}>
                  <th scope="row">{unit}</th>
                  <td class="number">{cell(a)}</td>
                  <td class="number">
                    {cell(b)}
                    {a.value !== null && b.value !== null && isIndistinct(a.interval, b.interval) && (
                      <small class="pair-interval" data-testid="pair-indistinct">
                        {t.compare.indistinct}
                      </small>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          )
        );
      })}
    </table>
  );
}

export function PairView({ model, item, itemKey }: { model: Model; item: Item; itemKey: TableKey }) {
  const t = model.texts.value;
  const { pair } = model.view.value;
  const asked = useAsked(model, pair === null ? null : JSON.stringify([itemKey, pair]), (signal) =>
    model.api.item(itemKey, pair ?? '', signal),
  );
  const other = loaded(asked);
  const section = useRef<HTMLElement>(null);
  const end = useOpened(
    pair ?? (model.pairing.value ? ' choosing' : null),
    section,
    () => {
      model.pairing.value = false;
      model.update({ pair: null });
    },
    '#card-title',
  );
  if (pair === null)
    return model.pairing.value ? (
      <section ref={section}>
        <Choice model={model} item={item} itemKey={itemKey} cancel={end} />
      </section>
    ) : (
      <p>
        <button
          type="button"
          class="why"
          onClick={() => {
            model.pairing.value = true;
          }}
        >
          {t.pair.open}
        </button>
      </p>
    );
  return (
    <section data-testid="pair" aria-label={t.pair.title} ref={section}>
      <h3>{t.pair.title}</h3>
      {asked.state === 'failed' && <ProblemNote problem={asked.problem} t={t} missing={t.itemMissing} />}
      {asked.state === 'loading' && <div class="skeleton card-skeleton" aria-hidden="true" />}
      {other && <Rows model={model} first={item} second={other} />}
      {other && [item, other].some(({ properties }) => hasIllustrative(properties)) && (
        <p class="footnote">{t.illustrativeHere}</p>
      )}
      <p>
        <button type="button" class="why" onClick={end}>
          {t.pair.end}
        </button>
      </p>
    </section>
  );
}

function hasIllustrative(properties: Item['properties']): boolean {
  return Object.entries(properties).some(
    ([name, value]) => value === true && isOneOf(SECTORS, name.replace(/_illustrative$/, '')),
  );
}
