/** The card of the place that was clicked: its name, what it lies in, and room for what is known of it. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Breadcrumb } from './breadcrumb';
import { CloseButton } from './close_button';
import { nameOf, textIn } from './format';
import { lazily } from './lazily';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { useOpened } from './opened';

function Waiting() {
  return <div class="skeleton card-skeleton" aria-hidden="true" />;
}

const CardBody = lazily(async () => (await import('./card_body')).CardBody, Waiting);

export function Card({ model }: { model: Model }) {
  const t = model.texts.value;
  const { selected } = model.view.value;
  const itemKey = model.itemKey.value;
  const card = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const chosen = selected ? `${selected.collection}/${selected.id}` : null;

  const close = useOpened(chosen, card, () => {
    model.update({ selected: null });
  });

  // Who opened the card with the keyboard or by a search reads on in it; a pointer keeps its focus on the map.
  // At once: a moment later somebody may have gone to the search, from where it would be taken.
  useLayoutEffect(() => {
    if (chosen !== null && document.activeElement?.matches('canvas:focus-visible, .search input'))
      heading.current?.focus();
  }, [chosen]);

  if (!selected) return null;
  const collections = loaded(model.collections.value);
  const collection = collections?.find(({ id }) => id === selected.collection);
  const title = collection ? textIn(collection.title, model.lang.value) : '';
  // An old link may name a table that this edition does not have.
  const lost = collections !== null && !collection;
  const state = model.item.value;
  const item = loaded(state);
  const name = item ? nameOf(item.properties, item.id, model.lang.value) : selected.id;
  return (
    <aside
      class="card"
      aria-labelledby="card-title"
      aria-busy={state.state === 'loading'}
      data-testid="card"
      ref={card}
    >
      <header class="card-head">
        <div>
          {item && itemKey && <Breadcrumb model={model} item={item} itemKey={itemKey} />}
          <p class="card-kind">
            {collection ? (
              <>
                {!title.startsWith(t.kinds[collection.kind]) && `${t.kinds[collection.kind]} · `}
                <span translate={false}>{title}</span>
              </>
            ) : (
              '\u00a0'
            )}
          </p>
          <h2
            id="card-title"
            class={name === selected.id ? 'code' : ''}
            tabIndex={-1}
            ref={heading}
            translate={false}
          >
            {/* A long cell code may break before its coordinates, and is copied whole. */}
            {name.split(/(?=[NE]\d)/).map((piece, index) => [index > 0 && <wbr key={index} />, piece])}
          </h2>
        </div>
        <CloseButton label={t.close} close={close} />
      </header>
      <div class="card-body">
        {(state.state === 'loading' || (state.state === 'idle' && !lost)) && <Waiting />}
        {lost && (
          <p class="note" role="alert">
            <strong>{t.itemMissing}</strong>
          </p>
        )}
        {state.state === 'failed' && <ProblemNote problem={state.problem} t={t} missing={t.itemMissing} />}
        {item && itemKey && <CardBody model={model} item={item} itemKey={itemKey} />}
      </div>
    </aside>
  );
}
