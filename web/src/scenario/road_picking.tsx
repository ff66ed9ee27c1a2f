/** Roads that are picked on the map, one by one, and what is known of them. */
import { useRef } from 'preact/hooks';
import { numbersIn } from '../format';
import type { Picking } from '../drawing';
import type { Model } from '../model';
import { ProblemNote } from '../notices';
import { useOpened } from '../opened';
import { roadsOf } from './roads';
import { sessionOf } from './session';
import { textsOf } from './words';

/** @param home id of what gets the focus when picking is given up */
export function RoadPicking(props: {
  model: Model;
  picking: Picking;
  home: string;
  choose: (ids: readonly string[]) => void;
}) {
  const { model, picking, home, choose } = props;
  const s = textsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const { known, told, looking } = roadsOf(model, sessionOf(model).asking);
  const { ids } = picking;
  const roads = ids.flatMap((id) => known.value.get(id) ?? []);
  const km = roads.reduce((sum, road) => sum + road.km, 0);
  const panel = useRef<HTMLDivElement>(null);
  const cancel = useOpened('pick', panel, () => {
    model.picking.value = null;
  });
  return (
    <div class="road-picking" data-testid="road-picking" ref={panel}>
      <p role="status" aria-busy={looking.value}>
        {ids.length === 0 ? s.roadsHere : s.pickedRoads(ids.length, numbers.amount(km))}
      </p>
      {told.value === 'nothing' && <p class="note">{s.noRoadNear}</p>}
      {told.value !== null && told.value !== 'nothing' && (
        <ProblemNote problem={told.value} t={t} missing={s.noRoadNear} />
      )}
      <p class="fine">{s.pickRoadsHelp}</p>
      {roads.length > 0 && (
        <ul class="picked-roads">
          {roads.map(({ id, kmh, aadt, km: length }) => (
            <li key={id}>
              <span>
                {s.road(
                  numbers.amount(length),
                  kmh === null ? null : numbers.count(kmh),
                  aadt === null ? null : numbers.count(aadt),
                )}
              </span>
              <button
                type="button"
                class="link"
                aria-label={s.dropRoad(numbers.amount(length))}
                onClick={() => {
                  model.picking.value = { ...picking, ids: ids.filter((one) => one !== id) };
                }}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={ids.length === 0}
          onClick={() => {
            choose(ids);
          }}
        >
          {s.useRoads(ids.length)}
        </button>
        <button
          type="button"
          onClick={() => {
            cancel();
            document.getElementById(home)?.focus();
          }}
        >
          {t.measure.cancel}
        </button>
      </div>
    </div>
  );
}
