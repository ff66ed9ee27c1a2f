/** Where measures act: the whole region, an area that is drawn, or zones that are picked. */
import { useSignal } from '@preact/signals';
import type { Model } from '../model';
import { Sketching, ZoneList } from '../measure_choice';
import type { Measured } from '../state';
import { nameOfPlace, textsOf } from './words';

/**
 * @param id of the control's parts, and of what gets the focus when drawing ends
 * @param place null: everywhere
 */
export function Where(props: {
  model: Model;
  id: string;
  label: string;
  place: Measured | null;
  choose: (place: Measured | null) => void;
}) {
  const { model, id, label, place, choose } = props;
  const s = textsOf(model);
  const picking = useSignal(false);
  const drawing = useSignal(false);
  const sketching = drawing.value && model.sketch.value !== null;
  const kind = place === null ? 'everywhere' : place.kind === 'outline' ? 'drawn' : 'picked';
  const draw = () => {
    picking.value = false;
    drawing.value = true;
    model.drawnFor.value = (outline) => {
      drawing.value = false;
      choose({ kind: 'outline', outline });
    };
    model.sketch.value = [];
    // With the focus on the map, Enter sets corners at the crosshair.
    document.querySelector<HTMLElement>('canvas.maplibregl-canvas')?.focus({ preventScroll: true });
  };
  return (
    <div class="where" role="group" aria-label={label}>
      <p class="where-now">
        <span class="fine">{label}</span> <strong>{nameOfPlace(place, model, s)}</strong>
      </p>
      <div class="buttons">
        <button
          type="button"
          id={id}
          aria-pressed={kind === 'everywhere'}
          onClick={() => {
            picking.value = false;
            choose(null);
          }}
        >
          {s.everywhere}
        </button>
        <button
          type="button"
          aria-pressed={kind === 'drawn'}
          disabled={model.mapState.value !== 'ready'}
          onClick={draw}
        >
          {s.draw}
        </button>
        <button
          type="button"
          aria-pressed={kind === 'picked'}
          aria-expanded={picking.value}
          onClick={() => {
            picking.value = !picking.value;
          }}
        >
          {s.pick}
        </button>
      </div>
      {sketching && <Sketching model={model} home={id} />}
      {picking.value && (
        <ZoneList
          model={model}
          action={s.useZones}
          chosen={place?.kind === 'items' ? place : null}
          choose={(collection, ids) => {
            picking.value = false;
            choose({ kind: 'items', collection, ids });
          }}
        />
      )}
    </div>
  );
}
