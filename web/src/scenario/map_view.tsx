/** A scenario on the map: what it changes, or before and after under a divider; in the place of the edition's values. */
import { computed, effect, useSignal, type ReadonlySignal } from '@preact/signals';
import type { Geometry } from 'geojson';
import type { MapMouseEvent, Map as MapLibre } from 'maplibre-gl';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { DividerLine } from '../divider';
import { valueOf } from '../expressions';
import { nameOf, numbersIn } from '../format';
import type { MapHandle } from '../map';
import type { Model } from '../model';
import { createBesideMap } from '../other_map';
import { classOf, type Scale } from '../scale';
import type { Sector } from '../sectors';
import { placeOf, type Scenario } from './document';
import { placesOnMap, type PlacesOnMap } from './places_on_map';
import type { Places } from './questions';
import { changeScale, levelScale, termOf, type Moment } from './scale';
import { sessionOf, type Session } from './session';
import { spoken, textsOf } from './words';
import { readOutline } from '../outlines';

const MIDDLE = 50;

/** What of the scenario in sight is drawn. */
export interface ScenarioPicture {
  readonly places: Places;
  readonly sector: Sector;
  /** Of the first map; the other one shows before. */
  readonly moment: Moment;
  readonly scale: Scale;
}

/** Null: nothing is drawn, by choice or because nothing is known yet. */
export function scenarioPicture(model: Model, session: Session): ScenarioPicture | null {
  const map = session.map.value;
  const places = session.runs[session.at.value]?.places.value ?? null;
  if (map === 'off' || !places || model.view.value.scenarios === null) return null;
  const sector = model.sector.value;
  const swipe = map === 'swipe';
  const scaleOf = swipe ? levelScale : changeScale;
  const scale = scaleOf(places.places, sector, model.ground.value);
  return scale && { places, sector, moment: swipe ? 'after' : 'change', scale };
}

/** Polygons in which measures act. */
function areasOf(scenario: Scenario | null): Geometry[] {
  return (scenario?.measures ?? []).flatMap((measure) => {
    const place = placeOf(measure);
    const outline = place?.kind === 'outline' ? readOutline(place.outline) : null;
    if (!outline) return [];
    const coordinates = outline.map((polygon) => polygon.map((ring) => ring.map(([x, y]) => [x, y])));
    return [{ type: 'MultiPolygon' as const, coordinates }];
  });
}

/** Let a map follow the session until the returned function is called. */
function followOn(
  map: MapLibre,
  model: Model,
  session: Session,
  picture: ReadonlySignal<ScenarioPicture | null>,
  momentOf: (shown: ScenarioPicture) => Moment,
): { readonly drawn: PlacesOnMap; readonly stop: () => void } {
  const drawn = placesOnMap(map);
  const stops = [
    effect(() => {
      const shown = picture.value;
      drawn.show(shown?.places.places ?? []);
    }),
    effect(() => {
      const shown = picture.value;
      if (!shown) return;
      drawn.colour({
        terms: termOf(shown.sector, momentOf(shown)),
        scale: shown.scale,
        ground: model.ground.value,
        opacity: model.view.value.opacity / 100,
      });
    }),
    effect(() => {
      drawn.outline(areasOf(session.scenario.value), model.ground.value);
    }),
    effect(() => {
      drawn.hover(session.pointed.value?.place.id ?? null);
    }),
  ];
  return {
    drawn,
    stop() {
      for (const stop of stops) stop();
      drawn.remove();
    },
  };
}

/** Say what the pointer is on. */
function watchPointer(
  map: MapLibre,
  session: Session,
  drawn: PlacesOnMap,
  sketching: () => boolean,
): () => void {
  const move = ({ point }: MapMouseEvent) => {
    const id = sketching() ? null : drawn.at(point);
    const places = session.runs[session.at.value]?.places.value?.places ?? [];
    const place = id === null ? undefined : places.find((one) => one.id === id);
    session.pointed.value = place ? { x: point.x, y: point.y, place } : null;
  };
  const leave = () => {
    session.pointed.value = null;
  };
  map.on('mousemove', move);
  map.on('mouseout', leave);
  map.on('movestart', leave);
  return () => {
    map.off('mousemove', move);
    map.off('mouseout', leave);
    map.off('movestart', leave);
    leave();
  };
}

function Pointed({ model, session, scale }: { model: Model; session: Session; scale: Scale }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const pointed = session.pointed.value;
  if (!pointed) return null;
  const { x, y, place } = pointed;
  const sector = model.sector.value;
  const of = (moment: Moment) => valueOf(place.properties, termOf(sector, moment), 't_per_ha');
  const [before, change, after] = [of('before'), of('change'), of('after')];
  const at = classOf(scale, session.map.value === 'swipe' ? after : change);
  const colour = at === null ? 'transparent' : at === 'zero' ? scale.zero : scale.classes[at]?.colour;
  const told = (value: number | null) => (value === null ? t.unknown : numbers.amount(value));
  const room = document.querySelector('.card')?.getBoundingClientRect().left ?? innerWidth;
  return (
    <div
      class={x > room - 300 ? 'tooltip flipped' : 'tooltip'}
      data-testid="scenario-tooltip"
      style={{ transform: `translate(${x}px, ${y}px)` }}
    >
      <div>
        <span class="tooltip-name" translate={false}>
          {nameOf(place.properties, place.id, model.lang.value)}
        </span>
        <span class="tooltip-value">
          <i class="swatch" style={{ backgroundColor: colour ?? 'transparent' }} />
          {change === null ? t.unknown : `${numbers.signed(change)} ${s.mapUnit}`}
        </span>
        <span class="tooltip-held">
          {s.before} {told(before)}, {s.after} {told(after)}
        </span>
      </div>
    </div>
  );
}

function BeforeMap(props: {
  model: Model;
  session: Session;
  handle: MapHandle;
  picture: ReadonlySignal<ScenarioPicture | null>;
}) {
  const { model, session, handle, picture } = props;
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!element.current) return;
    return createBesideMap(element.current, handle, model, (map) => {
      const { stop } = followOn(map, model, session, picture, () => 'before');
      return stop;
    });
  }, [model, session, handle, picture]);
  return <div class="map other-map" data-testid="before-map" data-state="loading" ref={element} />;
}

export const ScenarioMap = spoken(function ScenarioMap({
  model,
  handle,
}: {
  model: Model;
  handle: MapHandle;
}) {
  const s = textsOf(model);
  const session = sessionOf(model);
  const picture = useMemo(() => computed(() => scenarioPicture(model, session)), [model, session]);
  const cut = useSignal(MIDDLE);
  const ready = model.mapState.value === 'ready';
  useEffect(() => {
    if (!ready) return;
    const { drawn, stop } = followOn(handle.map, model, session, picture, ({ moment }) => moment);
    const stopCovering = effect(() => {
      model.covered.value = picture.value !== null;
    });
    const stopWatching = watchPointer(handle.map, session, drawn, () => model.sketch.value !== null);
    return () => {
      stopCovering();
      stopWatching();
      stop();
      model.covered.value = false;
    };
  }, [model, session, handle, picture, ready]);
  const shown = picture.value;
  if (!shown || !ready) return null;
  const swipe = session.map.value === 'swipe';
  const width = numbersIn(model.lang.value).percent(cut.value / 100);
  return (
    <div class={swipe ? 'comparing-swipe' : ''} style={{ '--cut': String(cut.value) }}>
      {swipe && (
        <>
          <BeforeMap model={model} session={session} handle={handle} picture={picture} />
          <span class="side-name side-name-other">{s.before}</span>
          <span class="side-name side-name-now">{s.after}</span>
          <DividerLine
            cut={cut.value}
            label={s.divider}
            told={`${s.before} ${width}`}
            move={(next) => {
              cut.value = next;
            }}
          />
        </>
      )}
      <Pointed model={model} session={session} scale={shown.scale} />
    </div>
  );
});
