/** Where the place on the card stands among its peers. */
import type { Item, TableKey } from './api';
import { useAsked } from './asked';
import { valueOf } from './expressions';
import { nameOf, numbersIn, textIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { askStanding } from './questions';
import { emissionsColumn } from './sectors';

function StandingRow(props: {
  model: Model;
  itemKey: TableKey;
  id: string;
  /** Peers are those within this item of the parent collection; null: all. */
  parent: string | null;
  among: string;
  /** What is ranked, which is not the total of the headline where another unit is chosen; null: not known. */
  value: number | null;
}) {
  const { model, itemKey, id, parent, among, value } = props;
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const sector = model.sector.value;
  const unit = model.unit.value;
  const asked = {
    column: emissionsColumn(sector),
    unit,
    // Of removals the strongest is the least.
    order: sector === 'forest' ? 'asc' : 'desc',
    parent,
  } as const;
  const standing = useAsked(model, JSON.stringify([itemKey, id, asked]), (signal) =>
    askStanding(model.api, itemKey, id, asked, signal),
  );
  if (standing.state === 'loading') return <div class="skeleton line-skeleton" aria-hidden="true" />;
  const known = loaded(standing);
  if (known?.rank == null) return null;
  return (
    <p class="standing" data-testid={parent === null ? 'standing' : 'standing-within'}>
      <strong>{t.card.rankOf(numbers.count(known.rank), numbers.count(known.of))}</strong>{' '}
      <span>{among}</span>
      {value !== null && (
        <>
          {' · '}
          <span data-testid="ranked">
            {numbers.amount(value)} {t.units[unit]}
          </span>
        </>
      )}
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
  const ranked = [{ column: emissionsColumn(model.sector.value), share: null }];
  const value = valueOf(item.properties, ranked, model.unit.value);
  return (
    <section>
      <h3>
        {t.card.rank}{' '}
        <small>
          {model.sector.value === 'forest' ? t.card.rankRemovals : t.card.rankEmissions} ·{' '}
          {t.unitChoices[model.unit.value]}
        </small>
      </h3>
      <StandingRow
        model={model}
        itemKey={itemKey}
        id={item.id}
        parent={null}
        value={value}
        among={textIn(own.title, lang)}
      />
      {parent !== null && parentName && (
        <StandingRow
          model={model}
          itemKey={itemKey}
          id={item.id}
          parent={parent}
          value={value}
          among={t.card.rankWithin(nameOf(parentName.properties, parentName.id, lang))}
        />
      )}
    </section>
  );
}
