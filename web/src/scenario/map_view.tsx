/** A scenario on the map: what it changes, or before and after under a divider; in the place of the edition's values. */
import { computed, effect, useSignal, type ReadonlySignal } from '@preact/signals';
import type { Map as MapLibre } from 'maplibre-gl';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { DividerLine } from '../divider';
import { lazily } from '../lazily';
import { valueOf } from '../expressions';
import { nameOf, numbersIn } from '../format';
import type { MapHandle } from '../map';
import type { Model } from '../model';
import { createBesideMap } from '../other_map';
import { restingPointer } from '../resting_pointer';
import { colourOf, type Scale } from '../scale';
import type { Sector } from '../sectors';
import { Tooltip } from '../tooltip';
import { drawnPlaces, namedRoads } from './document';
import { pickOnMap, type Pointed } from './pick_on_map';
import { placesOnMap, type PlacesOnMap } from './places_on_map';
import type { Place } from './questions';
import { roadsOf } from './roads';
import { changeClasses, changeScale, levelClasses, levelScale, termOf, type Moment } from './scale';
import { sessionOf, type Session } from './session';
import type { Tiled } from './tiled';
import { spoken, textsOf } from './words';

/** What of the scenario in sight is drawn. */
export interface ScenarioPicture {
  /** Id of the collection whose places are drawn. */
  readonly of: string;
  /** Empty where they come by tiles. */
  readonly places: readonly Place[];
  readonly tiled: Tiled | null;
  readonly sector: Sector;
  /** Of the first map; the other one shows before. */
  readonly moment: Moment;
  readonly scale: Scale;
}

/** Null: nothing is drawn, by choice or because nothing is known yet. */
export function scenarioPicture(model: Model, session: Session): ScenarioPicture | null {
  const map = session.map.value;
  const places = session.runs[session.at.value]?.places.value ?? null;
  const { scenarios, plan } = model.view.value;
  if (map === 'off' || !places || scenarios === null || plan) return null;
  const sector = model.sector.value;
  const swipe = map === 'swipe';
  const ground = model.ground.value;
  const moment = swipe ? 'after' : 'change';
  const tiled = session.tiled.value;
  if (tiled) {
    const { of, today } = tiled;
    const scale = swipe ? levelClasses(today, 0, sector, ground) : changeClasses(today, ground);
    if (scale) return { of, places: [], tiled, sector, moment, scale };
  }
  const scaleOf = swipe ? levelScale : changeScale;
  const scale = scaleOf(places.places, sector, ground);
  return scale && { ...places, tiled: null, sector, moment, scale };
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
  // By itself: each marking draws anew, and what is drawn is looked at anew.
  const hovered = computed(() => session.pointed.value?.place.id ?? null);
  const stops = [
    effect(() => {
      const shown = picture.value;
      drawn.show(shown?.places ?? [], shown?.tiled ?? null);
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
      const scenario = session.scenario.value;
      drawn.outline(scenario ? drawnPlaces(scenario) : [], model.ground.value);
    }),
    effect(() => {
      drawn.hover(hovered.value);
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

/** Say what the pointer is on; who draws or picks is told by what they draw or pick. */
function sayWhere(map: MapLibre, model: Model, session: Session, drawn: PlacesOnMap): () => void {
  return restingPointer(map, (point) => {
    const taken = model.sketch.peek() !== null || model.picking.peek() !== null;
    const place = point === null || taken ? null : drawn.at(point);
    session.pointed.value = place && point && { x: point.x, y: point.y, place };
  });
}

function Pointed({ model, session, scale }: { model: Model; session: Session; scale: Scale }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const pointed = session.pointed.value;
  if (!pointed) return null;
  const { place } = pointed;
  const sector = model.sector.value;
  const of = (moment: Moment) => valueOf(place.properties, termOf(sector, moment), 't_per_ha');
  const [before, change, after] = [of('before'), of('change'), of('after')];
  const colour = colourOf(scale, session.map.value === 'swipe' ? after : change, 'transparent');
  const told = (value: number | null) => (value === null ? t.unknown : numbers.amount(value));
  return (
    <Tooltip
      testid="scenario-tooltip"
      at={pointed}
      name={nameOf(place.properties, place.id, model.lang.value)}
      colour={colour}
      value={change === null ? t.unknown : `${numbers.signed(change)} ${s.mapUnit}`}
    >
      <span class="tooltip-held">
        {s.before} {told(before)}, {s.after} {told(after)}
      </span>
    </Tooltip>
  );
}

/** Let a map follow what is picked for a place of the panel, or named by its measures. */
function pickFor(map: MapLibre, model: Model, session: Session): ReturnType<typeof pickOnMap> {
  const named = computed(() => (session.scenario.value?.measures ?? []).flatMap(namedRoads));
  return pickOnMap(map, model, roadsOf(model, session.asking), named);
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
      const { drawn, stop } = followOn(map, model, session, picture, () => 'before');
      const stopLooking = sayWhere(map, model, session, drawn);
      // A click goes through to the first map; what it picked is seen on both.
      const picked = pickFor(map, model, session);
      return () => {
        picked.stop();
        stopLooking();
        stop();
      };
    });
  }, [model, session, handle, picture]);
  return <div class="map other-map" data-testid="before-map" data-state="loading" ref={element} />;
}

const PlanMap = lazily(
  async () => (await import('../plan/plan_map')).PlanMap,
  () => null,
);

/** What stands on the map while scenarios are worked on: the one in sight, or an answer to a planner's question. */
export function ScenarioMap({ model, handle }: { model: Model; handle: MapHandle }) {
  return (
    <>
      {model.view.value.plan ? (
        <PlanMap model={model} handle={handle} />
      ) : (
        <ResultMap model={model} handle={handle} />
      )}
      <Picked model={model} handle={handle} />
    </>
  );
}

/** What is picked for a place of the panel, or named by its measures. */
function Picked({ model, handle }: { model: Model; handle: MapHandle }) {
  const session = sessionOf(model);
  const ready = model.mapState.value === 'ready';
  const pointed = useSignal<Pointed | null>(null);
  useEffect(() => {
    if (!ready) return;
    const picked = pickFor(handle.map, model, session);
    const stopTelling = effect(() => {
      pointed.value = picked.pointed.value;
    });
    return () => {
      stopTelling();
      picked.stop();
    };
  }, [model, session, handle, ready, pointed]);
  if (!pointed.value) return null;
  return <Tooltip testid="pick-tooltip" at={pointed.value} name={pointed.value.name} />;
}

const ResultMap = spoken(function ResultMap({ model, handle }: { model: Model; handle: MapHandle }) {
  const s = textsOf(model);
  const session = sessionOf(model);
  const picture = useMemo(() => computed(() => scenarioPicture(model, session)), [model, session]);
  const cut = model.view.value.scenarioCut;
  const ready = model.mapState.value === 'ready';
  useEffect(() => {
    if (!ready) return;
    const { drawn, stop } = followOn(handle.map, model, session, picture, ({ moment }) => moment);
    const stopCovering = effect(() => {
      model.covered.value = picture.value !== null;
    });
    const stopLooking = sayWhere(handle.map, model, session, drawn);
    return () => {
      stopCovering();
      stopLooking();
      stop();
      model.covered.value = false;
    };
  }, [model, session, handle, picture, ready]);
  const shown = picture.value;
  if (!shown || !ready) return null;
  const swipe = session.map.value === 'swipe';
  const width = numbersIn(model.lang.value).percent(cut / 100);
  return (
    <div class={swipe ? 'comparing-swipe' : ''} style={{ '--cut': String(cut) }}>
      {swipe && (
        <>
          <BeforeMap model={model} session={session} handle={handle} picture={picture} />
          <span class="side-name side-name-other">{s.before}</span>
          <span class="side-name side-name-now">{s.after}</span>
          <DividerLine
            cut={cut}
            label={s.divider}
            told={`${s.before} ${width}`}
            move={(next) => {
              model.update({ scenarioCut: next });
            }}
          />
        </>
      )}
      <Pointed model={model} session={session} scale={shown.scale} />
    </div>
  );
});
