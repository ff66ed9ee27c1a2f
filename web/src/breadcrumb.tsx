/** The way up: what the place on the card lies in, each a button that opens it. */
import type { Item, TableKey } from './api';
import { useAsked } from './asked';
import { textIn } from './format';
import { ancestorName, askAncestors } from './lineage';
import { loaded } from './loading';
import type { Model } from './model';

export function Breadcrumb({ model, item, itemKey }: { model: Model; item: Item; itemKey: TableKey }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const region = model.region.value;
  const collections = loaded(model.collections.value) ?? [];
  const ancestors = useAsked(model, JSON.stringify([itemKey, item.id]), (signal) =>
    askAncestors(model.api, itemKey, collections, item, signal),
  );
  if (!region) return null;
  return (
    <nav class="breadcrumb" aria-label={t.card.partOf} data-testid="breadcrumb">
      <ol>
        <li>
          <button
            type="button"
            translate={false}
            onClick={() => {
              model.update({ selected: null });
              model.goal.value = region.bbox;
            }}
          >
            {textIn(region.name, lang)}
          </button>
        </li>
        {(loaded(ancestors) ?? []).map((ancestor) => (
          <li key={ancestor.collection}>
            <button
              type="button"
              translate={false}
              onClick={() => {
                model.open({ collection: ancestor.collection, id: ancestor.id }, ancestor.bbox);
                // This button goes with the place it stood for; who reads on does so at the top.
                document.getElementById('card-title')?.focus();
              }}
            >
              {ancestorName(ancestor, lang)}
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}
