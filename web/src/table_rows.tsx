/** The head and the rows of the table. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Item, TableKey } from './api';
import { nameOf, numbersIn, type Numbers } from './format';
import type { Model } from './model';
import { numberOf } from './questions';
import { nextOrder, type Column } from './table_order';

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

/** The names of the columns, by which the table is sorted. */
export function Head(props: {
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

/** A row for each place, linked with the map both ways. */
export function Rows(props: {
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
                    translate={false}
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
                    <abbr class="held-mark" title={t.held}>
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
