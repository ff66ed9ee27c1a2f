/** The collection as a table: sorted and paged by the API, linked with the map both ways. */
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Collection, Item, TableKey } from './api';
import { useAsked } from './asked';
import { Badges } from './badges';
import { nameOf, numbersIn, textIn, type Numbers } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { askPage, askStanding, numberOf, type Page } from './questions';
import { nextOrder, orderOf, tableColumns, type Column } from './table_order';

const PAGE = 50;

function headOf({ kind, sector }: Column, model: Model): { text: string; unit: string } {
  const t = model.texts.value;
  if (kind === 'emissions' && sector) return { text: t.sectors[sector], unit: t.units.t };
  if (kind === 'area') return { text: t.landArea, unit: t.hectares };
  if (kind === 'people') return { text: t.population, unit: '' };
  return { text: t.table.place, unit: '' };
}

function cellText({ kind }: Column, value: number, numbers: Numbers): string {
  if (kind === 'area') return numbers.area(value);
  return kind === 'people' ? numbers.count(value) : numbers.amount(value);
}

function Head(props: {
  model: Model;
  columns: readonly Column[];
  order: string;
  sort: (order: string) => void;
}) {
  const { model, columns, order, sort } = props;
  return (
    <thead>
      <tr>
        {columns.map((column) => {
          const { text, unit } = headOf(column, model);
          const sorted =
            order === column.name ? 'ascending' : order === `-${column.name}` ? 'descending' : 'none';
          return (
            <th
              key={column.kind + (column.sector ?? '')}
              scope="col"
              aria-sort={sorted}
              class={`cell-${column.kind}`}
            >
              <button
                type="button"
                onClick={() => {
                  sort(nextOrder(order, column));
                }}
              >
                {text} {unit !== '' && <small>{unit}</small>}
                <i aria-hidden="true">{sorted === 'ascending' ? '▲' : sorted === 'descending' ? '▼' : ''}</i>
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** Which of the page's rows the keyboard is at; one row at a time takes part in the tab order. */
function useRows(count: number, turnPage: (step: 1 | -1) => boolean) {
  const body = useRef<HTMLTableSectionElement>(null);
  const at = useSignal(0);
  const focusRow = (index: number) => {
    at.value = index;
    body.current?.querySelectorAll<HTMLElement>('button.row-name')[index]?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const target: number | null =
      event.key === 'ArrowDown'
        ? at.value + 1
        : event.key === 'ArrowUp'
          ? at.value - 1
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? count - 1
              : null;
    if (target !== null) {
      event.preventDefault();
      focusRow(Math.max(0, Math.min(count - 1, target)));
    } else if (event.key === 'PageDown' || event.key === 'PageUp') {
      event.preventDefault();
      if (turnPage(event.key === 'PageDown' ? 1 : -1)) at.value = 0;
    }
  };
  return { body, at, onKeyDown, focusRow };
}

function Rows(props: {
  model: Model;
  tableKey: TableKey;
  columns: readonly Column[];
  items: readonly Item[];
  turnPage: (step: 1 | -1) => boolean;
}) {
  const { model, tableKey, columns, items, turnPage } = props;
  const t = model.texts.value;
  const lang = model.lang.value;
  const numbers = numbersIn(lang);
  const { selected } = model.view.value;
  const chosen = selected?.collection === tableKey.collection ? selected.id : null;
  const rows = useRows(items.length, turnPage);
  const { body } = rows;

  useEffect(() => {
    body.current?.querySelector('tr[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen, items, body]);
  useEffect(
    () => () => {
      model.pointed.value = null;
    },
    [model],
  );

  const point = (id: string | null) => {
    model.pointed.value = id === null ? null : { collection: tableKey.collection, id };
  };
  const show = (item: Item) => {
    const place = { collection: tableKey.collection, id: item.id };
    model.update({ selected: place });
    // Rows come without their outlines; the card's answer brings the way there.
    void model.api.item(tableKey, item.id, new AbortController().signal).then((answer) => {
      const now = model.view.value.selected;
      if (answer.ok && now?.id === place.id && now.collection === place.collection)
        model.open(place, answer.value.bbox);
    });
  };

  return (
    <tbody ref={body} onKeyDown={rows.onKeyDown}>
      {items.map((item, index) => (
        <tr
          key={item.id}
          {...(item.id === chosen ? { 'aria-current': 'true' as const } : {})}
          onPointerEnter={() => {
            point(item.id);
          }}
          onPointerLeave={() => {
            point(null);
          }}
          onClick={() => {
            rows.at.value = index;
            show(item);
          }}
        >
          {columns.map((column) => {
            if (column.kind === 'name') {
              return (
                <th key="name" scope="row" class="cell-name">
                  <button
                    type="button"
                    class="row-name"
                    tabIndex={index === Math.min(rows.at.value, items.length - 1) ? 0 : -1}
                    onFocus={() => {
                      rows.at.value = index;
                      point(item.id);
                    }}
                    onBlur={() => {
                      point(null);
                    }}
                  >
                    {nameOf(item.properties, item.id, lang)}
                  </button>
                  {item.properties.held === true && (
                    <abbr class="held-mark" title={t.heldTitle}>
                      {t.table.held}
                    </abbr>
                  )}
                </th>
              );
            }
            const value = numberOf(item.properties, column.name);
            return (
              <td key={column.name} class={column.sector === model.sector.value ? 'now' : ''}>
                {value === null ? (
                  <em title={t.unknown}>–</em>
                ) : (
                  <data value={String(value)}>{cellText(column, value, numbers)}</data>
                )}
              </td>
            );
          })}
        </tr>
      ))}
    </tbody>
  );
}

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

/** Turn to the page on which the place chosen on the map stands, where the order is by numbers. */
function useChosenPage(
  model: Model,
  key: TableKey,
  order: string,
  shown: readonly Item[] | null,
  turnTo: (first: number) => void,
): void {
  const { selected } = model.view.value;
  const chosen = selected?.collection === key.collection ? selected.id : null;
  const column = order.replace(/^-/, '');
  const numeric = !/^(name_|id$)/.test(column);
  const elsewhere = chosen !== null && shown !== null && !shown.some(({ id }) => id === chosen);
  const answer = useAsked(
    model,
    elsewhere && numeric ? JSON.stringify([key, chosen, order]) : null,
    (signal) =>
      askStanding(
        model.api,
        key,
        chosen ?? '',
        { column, unit: 't', order: order.startsWith('-') ? 'desc' : 'asc', parent: null },
        signal,
      ),
  );
  const rank = loaded(answer)?.rank ?? null;
  const turned = useRef<string | null>(null);
  useEffect(() => {
    const wish = JSON.stringify([key, chosen, order]);
    // Once for each choice: who pages on afterwards is not called back.
    if (rank === null || turned.current === wish) return;
    turned.current = wish;
    turnTo(Math.floor((rank - 1) / PAGE) * PAGE);
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
              {textIn(collection.title, lang)} {t.perYear(tableKey.year)}. {t.table.help}
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

  // Who opened the table with the keyboard goes on in it.
  useLayoutEffect(() => {
    if (document.activeElement?.matches(':focus-visible'))
      sheet.current?.querySelector<HTMLElement>('h2')?.focus();
  }, []);

  const close = () => {
    model.update({ table: null });
    document.querySelector<HTMLElement>('.tools button')?.focus({ preventScroll: true });
  };
  const key =
    collection && region && year !== null
      ? { region: region.id, edition: region.edition, collection: collection.id, year }
      : null;
  return (
    <section class="table-sheet" aria-labelledby="table-title" data-testid="table" ref={sheet}>
      <header>
        <h2 id="table-title" tabIndex={-1}>
          {collection && textIn(collection.title, model.lang.value)}{' '}
          {year !== null && <small>{t.perYear(year)}</small>}
        </h2>
        <p class="badges">
          <Badges model={model} sector={model.sector.value} />
        </p>
        <button type="button" class="close" aria-label={t.table.close} title={t.table.close} onClick={close}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3.5 3.5l9 9m0-9l-9 9" />
          </svg>
        </button>
      </header>
      {key && collection ? (
        <TableOf key={JSON.stringify(key)} model={model} collection={collection} tableKey={key} />
      ) : (
        <div class="skeleton table-skeleton" aria-hidden="true" />
      )}
    </section>
  );
}
