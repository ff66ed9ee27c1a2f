/** Where the place on the card stands among its peers. */
import type { ComponentChildren } from 'preact';
import type { Item, TableKey } from './api';
import { useAsked } from './asked';
import { valueOf } from './expressions';
import { nameOf, numbersIn, textIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { askStanding } from './questions';
import { emissionsColumn, type Unit } from './sectors';

function StandingRow(props: {
  model: Model;
  itemKey: TableKey;
  item: Item;
  unit: Unit;
  /** Peers are those within this item of the parent collection; null: all. */
  parent: string | null;
  among: ComponentChildren;
  name: string;
}) {
  const { model, itemKey, item, unit, parent, among, name } = props;
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const sector = model.sector.value;
  const column = emissionsColumn(sector);
  const asked = {
    column,
    unit,
    // Of removals the strongest is the least.
    order: sector === 'forest' ? 'asc' : 'desc',
    parent,
  } as const;
  const standing = useAsked(model, JSON.stringify([itemKey, item.id, asked]), (signal) =>
    askStanding(model.api, itemKey, item.id, asked, signal),
  );
  if (standing.state === 'loading') return <div class="skeleton line-skeleton" aria-hidden="true" />;
  const known = loaded(standing);
  if (known?.rank == null) return null;
  const value = valueOf(item.properties, [{ column, share: null }], unit);
  return (
    <p class="standing" data-testid={name}>
      <strong>{t.card.rankOf(numbers.count(known.rank), numbers.count(known.of))}</strong>{' '}
      <span>
        {among}
        {value !== null && (
          <>
            {' · '}
            <span class="ranked">
              {numbers.amount(value)} {t.units[unit]}
            </span>
          </>
        )}
      </span>
    </p>
  );
}

export function Standings({ model, item, itemKey }: { model: Model; item: Item; itemKey: TableKey }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const collections = loaded(model.collections.value) ?? [];
  const own = collections.find(({ id }) => id === itemKey.collection);
  const above = own?.kind === 'zones' ? collections.find(({ id }) => id === own.parent) : undefined;
  const parentId = item.properties.parent_id;
  const parent = above && typeof parentId === 'string' ? parentId : null;
  // The parent's name comes with the breadcrumb's question, which the browser's cache answers twice.
  const parentItem = useAsked(
    model,
    above && parent !== null ? JSON.stringify([itemKey, above.id, parent]) : null,
    (signal) => model.api.item({ ...itemKey, collection: above?.id ?? '' }, parent ?? '', signal),
  );
  const parentName = loaded(parentItem);
  if (!own) return null;
  const unit = model.unit.value;
  // A small dense place may lead by the hectare and matter little: the total stands beside it.
  const units = unit === 't' ? (['t'] as const) : ([unit, 't'] as const);
  const words = { model, itemKey, item };
  return (
    <section>
      <h3>
        {t.card.rank}{' '}
        <small>{model.sector.value === 'forest' ? t.card.rankRemovals : t.card.rankEmissions}</small>
      </h3>
      {units.map((one) => (
        <StandingRow
          key={one}
          {...words}
          unit={one}
          parent={null}
          among={<span translate={false}>{textIn(own.title, lang)}</span>}
          name={one === unit ? 'standing' : 'standing-total'}
        />
      ))}
      {parent !== null &&
        parentName &&
        units.map((one) => (
          <StandingRow
            key={one}
            {...words}
            unit={one}
            parent={parent}
            among={t.card.rankWithin(nameOf(parentName.properties, parentName.id, lang))}
            name={one === unit ? 'standing-within' : 'standing-within-total'}
          />
        ))}
    </section>
  );
}
