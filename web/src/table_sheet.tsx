/** The collection as a table: sorted and paged by the API, linked with the map both ways. */
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Collection, Item, TableKey } from './api';
import { useAsked } from './asked';
import { Badges } from './badges';
import { CloseButton } from './close_button';
import { numbersIn, textIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { useOpened } from './opened';
import { askPage, type Page } from './questions';
import { orderOf, tableColumns } from './table_order';
import { askPosition } from './table_place';
import { Head, Rows } from './table_rows';

const PAGE = 50;

function Pager(props: {
  model: Model;
  first: number;
  page: Page | null;
  turnPage: (step: 1 | -1) => boolean;
}) {
  const { model, first, page, turnPage } = props;
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const last = page ? first + page.items.length : first;
  return (
    <div class="pager">
      <button
        type="button"
        aria-label={t.table.before}
        disabled={first === 0}
        onClick={() => {
          turnPage(-1);
        }}
      >
        ‹
      </button>
      <span role="status">
        {page
          ? t.table.rows(
              numbers.count(page.items.length === 0 ? 0 : first + 1),
              numbers.count(last),
              numbers.count(page.total),
            )
          : t.table.loading}
      </span>
      <button
        type="button"
        aria-label={t.table.after}
        disabled={!page || last >= page.total}
        onClick={() => {
          turnPage(1);
        }}
      >
        ›
      </button>
    </div>
  );
}

/** Turn to the page on which the place chosen on the map stands. */
function useChosenPage(
  model: Model,
  key: TableKey,
  order: string,
  shown: readonly Item[] | null,
  turnTo: (first: number) => void,
): void {
  const { selected } = model.view.value;
  const chosen = selected?.collection === key.collection ? selected.id : null;
  const elsewhere = chosen !== null && shown !== null && !shown.some(({ id }) => id === chosen);
  const answer = useAsked(model, elsewhere ? JSON.stringify([key, chosen, order]) : null, (signal) =>
    askPosition(model.api, key, chosen ?? '', order, signal),
  );
  const position = loaded(answer);
  const turned = useRef<string | null>(null);
  useEffect(() => {
    const wish = JSON.stringify([key, chosen, order]);
    // Once for each choice: who pages on afterwards is not called back.
    if (position === null || turned.current === wish) return;
    turned.current = wish;
    turnTo(Math.floor(position / PAGE) * PAGE);
  });
}

function TableOf({
  model,
  collection,
  tableKey,
}: {
  model: Model;
  collection: Collection;
  tableKey: TableKey;
}) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const columns = tableColumns(collection, lang);
  const order = orderOf(model.view.value.table ?? '', columns);
  const first = useSignal(0);
  const scroller = useRef<HTMLDivElement>(null);
  const names = collection.columns.filter((name) => name.startsWith('name_'));
  const asked = {
    columns: [
      ...new Set(
        ['id', ...names, ...columns.map(({ name }) => name), 'held'].filter((name) =>
          collection.columns.includes(name),
        ),
      ),
    ],
    sort: order,
    limit: PAGE,
    offset: first.value,
  };
  const answer = useAsked(model, JSON.stringify([tableKey, asked]), (signal) =>
    askPage(model.api, tableKey, asked, signal),
  );
  // The old page stays until the new one is there.
  const kept = useRef<Page | null>(null);
  kept.current = loaded(answer) ?? kept.current;
  const page = kept.current;

  const turnTo = (next: number) => {
    first.value = next;
    scroller.current?.scrollTo({ top: 0 });
  };
  const turnPage = (step: 1 | -1) => {
    const next = first.value + step * PAGE;
    if (next < 0 || !page || next >= page.total) return false;
    turnTo(next);
    return true;
  };
  useChosenPage(model, tableKey, order, loaded(answer)?.items ?? null, turnTo);

  return (
    <>
      <div class="table-scroll" ref={scroller} aria-busy={answer.state === 'loading'}>
        {answer.state === 'failed' ? (
          <ProblemNote problem={answer.problem} t={t} missing={t.refused} />
        ) : (
          <table>
            <caption class="visually-hidden">
              <span translate={false}>{textIn(collection.title, lang)}</span> {t.perYear(tableKey.year)}.{' '}
              {t.table.help}
            </caption>
            <Head
              model={model}
              columns={columns}
              order={order}
              sort={(next) => {
                first.value = 0;
                model.update({ table: next });
              }}
            />
            {page && (
              <Rows
                model={model}
                tableKey={tableKey}
                columns={columns}
                items={page.items}
                turnPage={turnPage}
              />
            )}
          </table>
        )}
        {!page && answer.state === 'loading' && <div class="skeleton table-skeleton" aria-hidden="true" />}
        {page?.items.length === 0 && <p class="empty">{t.empty}</p>}
      </div>
      <Pager model={model} first={first.value} page={page} turnPage={turnPage} />
    </>
  );
}

export function TableSheet({ model }: { model: Model }) {
  const t = model.texts.value;
  const collection = model.active.value;
  const region = model.region.value;
  const year = model.year.value;
  const sheet = useRef<HTMLElement>(null);

  const close = useOpened(
    'table',
    sheet,
    () => {
      model.update({ table: null });
    },
    '#table-tool',
  );

  // Who opened the table with the keyboard goes on in it.
  useLayoutEffect(() => {
    if (document.activeElement?.matches(':focus-visible'))
      sheet.current?.querySelector<HTMLElement>('h2')?.focus();
  }, []);

  const key =
    collection && region && year !== null
      ? { region: region.id, edition: region.edition, collection: collection.id, year }
      : null;
  return (
    <section class="table-sheet" aria-labelledby="table-title" data-testid="table" ref={sheet}>
      <header>
        <h2 id="table-title" tabIndex={-1}>
          {collection && <span translate={false}>{textIn(collection.title, model.lang.value)}</span>}{' '}
          {year !== null && <small>{t.perYear(year)}</small>}
        </h2>
        <p class="badges">
          <Badges model={model} sector={model.sector.value} />
        </p>
        <CloseButton label={t.table.close} close={close} />
      </header>
      {key && collection ? (
        <TableOf key={JSON.stringify(key)} model={model} collection={collection} tableKey={key} />
      ) : (
        <div class="skeleton table-skeleton" aria-hidden="true" />
      )}
    </section>
  );
}
