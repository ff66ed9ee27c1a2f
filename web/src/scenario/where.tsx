/** Where measures act: the whole region, an area that is drawn, zones that are picked, or roads. */
import { useEffect, useRef } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { loaded } from '../loading';
import type { Drawing } from '../drawing';
import type { Model } from '../model';
import { useOpened } from '../opened';
import { Sketching, ZoneList } from '../measure_choice';
import { writeOutline } from '../outlines';
import type { Measured } from '../state';
import { RoadPicking } from './road_picking';
import { nameOfPlace, textsOf } from './words';

/** With the focus on the map, Enter acts at the crosshair. */
export function focusMap(): void {
  document.querySelector<HTMLElement>('canvas.maplibregl-canvas')?.focus({ preventScroll: true });
}

/** Let clicks on the map draw something; what they did before is given up. */
export function startDrawing(model: Model, drawing: Drawing): void {
  model.picking.value = null;
  model.drawnFor.value = drawing;
  model.sketch.value = [];
  focusMap();
}

/** The roads of a measure, where it can name some. */
export interface RoadsOf {
  readonly ids: readonly string[];
  readonly choose: (ids: readonly string[]) => void;
}

/**
 * @param id of the control's parts, and of what gets the focus when drawing ends
 * @param place null: everywhere, or what `nothing` says
 * @param roads of a measure that can name roads; it needs these or a place
 */
export function Where(props: {
  model: Model;
  id: string;
  label: string;
  place: Measured | null;
  nothing?: string;
  roads?: RoadsOf;
  choose: (place: Measured | null) => void;
}) {
  const { model, id, label, place, roads, choose } = props;
  /** Who draws may change what it is drawn for meanwhile. */
  const latest = useRef(props);
  latest.current = props;
  const s = textsOf(model);
  const nothing = props.nothing ?? s.everywhere;
  const picking = model.picking.value?.by === id ? model.picking.value : null;
  /** What is drawn for this place; null: nothing is. */
  const drawing = useSignal<Drawing | null>(null);
  const sketching =
    model.sketch.value !== null && drawing.value !== null && model.drawnFor.value === drawing.value;
  const onRoads = roads !== undefined && roads.ids.length > 0;
  const kind =
    place !== null ? (place.kind === 'outline' ? 'drawn' : 'picked') : onRoads ? 'roads' : 'everywhere';
  const draw = () => {
    const wanted: Drawing = {
      shape: 'area',
      then(corners) {
        const outline = writeOutline([[corners]]);
        if (outline !== '') latest.current.choose({ kind: 'outline', outline });
      },
    };
    drawing.value = wanted;
    startDrawing(model, wanted);
  };
  const pick = (collection: string | null, ids: readonly string[]) => {
    model.endSketch();
    model.picking.value = { by: id, collection, ids };
  };
  const sets = (loaded(model.collections.value) ?? []).filter((one) => one.kind === 'zones');
  const pickZones = () => {
    const known = place?.kind === 'items' ? sets.find((one) => one.id === place.collection) : undefined;
    const zoneSet = known ?? sets[0];
    if (zoneSet) pick(zoneSet.id, known && place?.kind === 'items' ? place.ids : []);
  };
  const isPicking = (zones: boolean) => picking !== null && (picking.collection !== null) === zones;
  const stop = () => {
    model.picking.value = null;
  };
  // Nobody goes on drawing or picking for a panel that is gone.
  useEffect(
    () => () => {
      const mine = drawing.peek();
      if (mine !== null && model.drawnFor.peek() === mine) model.endSketch();
      if (model.picking.peek()?.by === id) model.picking.value = null;
    },
    [model, drawing, id],
  );
  return (
    <div class="where" role="group" aria-label={label}>
      <p class="where-now">
        <span class="fine">{label}</span>{' '}
        <strong>
          {place ? nameOfPlace(place, model, s) : onRoads ? s.namedRoads(roads.ids.length) : nothing}
        </strong>
      </p>
      <div class="buttons">
        {roads === undefined && (
          <button
            type="button"
            id={id}
            aria-pressed={kind === 'everywhere'}
            onClick={() => {
              stop();
              if (sketching) model.endSketch();
              choose(null);
            }}
          >
            {nothing}
          </button>
        )}
        {roads !== undefined && (
          <button
            type="button"
            id={id}
            aria-pressed={kind === 'roads'}
            aria-expanded={isPicking(false)}
            disabled={model.mapState.value !== 'ready'}
            onClick={() => {
              if (isPicking(false)) stop();
              else {
                pick(null, roads.ids);
                focusMap();
              }
            }}
          >
            {s.pickRoads}
          </button>
        )}
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
          aria-expanded={isPicking(true)}
          disabled={sets.length === 0}
          onClick={() => {
            if (isPicking(true)) stop();
            else pickZones();
          }}
        >
          {s.pick}
        </button>
      </div>
      {sketching && <Sketching model={model} home={id} />}
      {typeof picking?.collection === 'string' && (
        <ZonePicking stop={stop} word={model.texts.value.measure.cancel}>
          <p class="fine" role="status">
            {isTooFar(model, picking.collection) ? s.pickNearer : s.pickHelp}
          </p>
          <ZoneList
            model={model}
            action={s.useZones}
            picked={{
              ...picking,
              set: pick,
            }}
            choose={(collection, ids) => {
              stop();
              choose({ kind: 'items', collection, ids });
              document.getElementById(id)?.focus();
            }}
          />
        </ZonePicking>
      )}
      {picking?.collection === null && roads !== undefined && (
        <RoadPicking
          model={model}
          picking={picking}
          home={id}
          choose={(ids) => {
            stop();
            roads.choose(ids);
            document.getElementById(id)?.focus();
          }}
        />
      )}
    </div>
  );
}

/** What Escape closes while zones are picked: it, and not the panel that it stands in. */
function ZonePicking(props: { stop: () => void; word: string; children: ComponentChildren }) {
  const panel = useRef<HTMLDivElement>(null);
  const cancel = useOpened('pick', panel, props.stop);
  return (
    <div ref={panel}>
      {props.children}
      <div class="buttons">
        <button type="button" onClick={cancel}>
          {props.word}
        </button>
      </div>
    </div>
  );
}

/** Whether the map shows no zones of a set, as far out as it is. */
function isTooFar(model: Model, collection: string): boolean {
  const found = (loaded(model.collections.value) ?? []).find(({ id }) => id === collection);
  return (found?.minzoom ?? 0) > model.zoom.value + 1e-6;
}
