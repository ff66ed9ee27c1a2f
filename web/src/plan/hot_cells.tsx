/** The cells that stand out, each with how surely: for who has no pointer, and for the one that was chosen on the map. */
import { useSignal } from '@preact/signals';
import { numbersIn } from '../format';
import type { Model } from '../model';
import type { Hot } from './hot_question';
import { PlaceLines } from './place_lines';
import { spotOf } from './plan_picture';
import { planOf } from './plan_session';
import { planTextsOf } from './plan_words';

/** A long list is slow to draw; who wants it asks. */
const LISTED = 100;

export function HotCells({ model, hot }: { model: Model; hot: Hot }) {
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  const { chosen } = planOf(model);
  const open = useSignal(false);
  const whole = useSignal(false);
  const found = hot.cells.find(({ id }) => id === chosen.value);
  const cells = hot.cells.toSorted((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity));
  const listed = open.value ? cells.slice(0, whole.value ? cells.length : LISTED) : [];
  if (cells.length === 0) return null;
  return (
    <>
      {found && (
        <section class="chosen-cell" data-testid="hot-cell">
          <b translate={false}>{found.id}</b> · {p.hot.spots[spotOf(found)]}
          <PlaceLines id={found.id} model={model} />
        </section>
      )}
      <details
        onToggle={(event) => {
          open.value = event.currentTarget.open;
        }}
      >
        <summary>{p.hot.cells(cells.length)}</summary>
        <p class="fine hot-key">
          <span>{p.places}</span>
          <span>{p.hot.score}</span>
        </p>
        <ul class="plan-places" data-testid="hot-cells">
          {listed.map((cell) => (
            <li key={cell.id}>
              <button
                type="button"
                aria-pressed={chosen.value === cell.id}
                onClick={() => {
                  chosen.value = chosen.value === cell.id ? null : cell.id;
                }}
              >
                <span translate={false}>{cell.id}</span>
                <data value={String(cell.score)}>{numbers.amount(cell.score ?? 0)}</data>
              </button>
              {chosen.value === cell.id && <PlaceLines id={cell.id} model={model} />}
            </li>
          ))}
        </ul>
        {open.value && listed.length < cells.length && (
          <button
            type="button"
            class="link"
            onClick={() => {
              whole.value = true;
            }}
          >
            {p.mix.all(cells.length)}
          </button>
        )}
      </details>
    </>
  );
}
