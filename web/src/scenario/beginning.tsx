/** What a measure is told on the map before there is one: its roads, its line, or its stops. */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Drawing, Shape } from '../drawing';
import { loaded } from '../loading';
import { Sketching } from '../measure_choice';
import type { Model } from '../model';
import { useOpened } from '../opened';
import type { Position } from '../positions';
import { placesIn, rounded, type Scenario } from './document';
import { needOf, type Card } from './kinds';
import { stopsToday } from './questions';
import { RoadPicking } from './road_picking';
import type { Session } from './session';
import { textsOf } from './words';
import { focusMap, startDrawing } from './where';

const BY = 'beginning';

/** A line or points that are drawn as long as this is there: from its first moment, so that no key comes between. */
export function Sketch(props: {
  model: Model;
  shape: Exclude<Shape, 'area'>;
  home: string;
  then: (corners: readonly Position[]) => void;
  giveUp: () => void;
}) {
  const { model, shape, home } = props;
  const s = textsOf(model);
  const latest = useRef(props);
  latest.current = props;
  const sketching = model.sketch.value !== null;
  const begun = useSignal<Drawing | null>(null);
  useLayoutEffect(() => {
    const drawing: Drawing = {
      shape,
      then(corners) {
        latest.current.then(rounded(corners));
      },
    };
    startDrawing(model, drawing);
    begun.value = drawing;
    return () => {
      if (model.drawnFor.peek() === drawing) model.endSketch();
    };
  }, [model, shape, begun]);
  useLayoutEffect(() => {
    if (begun.value !== null && model.drawnFor.value !== begun.value) latest.current.giveUp();
  }, [model, begun, begun.value, model.drawnFor.value]);
  return sketching ? (
    <Sketching model={model} home={home} words={shape === 'line' ? s.lineWords : s.stopWords} />
  ) : null;
}

function Roads(props: {
  model: Model;
  begin: (told: Readonly<Record<string, unknown>>) => void;
  giveUp: () => void;
}) {
  const { model } = props;
  const latest = useRef(props);
  latest.current = props;
  const begun = useSignal(false);
  const picking = model.picking.value;
  useLayoutEffect(() => {
    model.endSketch();
    model.picking.value = { by: BY, collection: null, ids: [] };
    begun.value = true;
    focusMap();
    return () => {
      if (model.picking.peek()?.by === BY) model.picking.value = null;
    };
  }, [model, begun]);
  useLayoutEffect(() => {
    if (begun.value && model.picking.value?.by !== BY) latest.current.giveUp();
  }, [model, begun, begun.value, picking]);
  return picking?.by === BY ? (
    <RoadPicking
      model={model}
      picking={picking}
      home="where-next"
      choose={(roads) => {
        props.begin({ roads });
      }}
    />
  ) : null;
}

/** Stops, beside those that there are: the edition's, or else those that the reader marks first. */
function Stops(props: {
  model: Model;
  session: Session;
  scenario: Scenario;
  begin: (told: Readonly<Record<string, unknown>>) => void;
  giveUp: () => void;
}) {
  const { model, session, scenario, begin, giveUp } = props;
  const s = textsOf(model);
  const drawing = useSignal<'there' | 'line' | 'stops' | null>(null);
  const panel = useRef<HTMLDivElement>(null);
  const cancel = useOpened(drawing.value === null ? 'stops' : null, panel, giveUp);
  const told = loaded(session.catalogue.value)?.stops ?? 0;
  const { count: there, marked, mayMark } = stopsToday(scenario, { stops: told });
  if (drawing.value !== null) {
    const what = drawing.value;
    return (
      <>
        {what === 'there' && <p class="fine">{s.stopsThereHelp}</p>}
        <Sketch
          key={what}
          model={model}
          shape={what === 'line' ? 'line' : 'points'}
          home="stops-line"
          then={(corners) => {
            if (what === 'there')
              session.change({ ...scenario, stops: [...placesIn(scenario.stops), ...corners] });
            else begin({ [what]: corners });
          }}
          giveUp={() => {
            drawing.value = null;
          }}
        />
      </>
    );
  }
  return (
    <div class="beginning" ref={panel}>
      <p class={there === 0 ? 'note' : 'fine'}>
        {there === 0 ? s.stopsUnknown : marked ? s.stopsThere(there) : s.stopsTold(there)}
        {marked && !mayMark && ` ${s.stopsInstead(told)}`}
      </p>
      <div class="buttons">
        {mayMark && (
          <button
            type="button"
            onClick={() => {
              drawing.value = 'there';
            }}
          >
            {s.markStops}
          </button>
        )}
        {marked && !mayMark && (
          <button
            type="button"
            onClick={() => {
              session.change({ ...scenario, stops: [] });
            }}
          >
            {s.unmarkStops}
          </button>
        )}
        <button
          type="button"
          id="stops-line"
          disabled={there === 0}
          onClick={() => {
            drawing.value = 'line';
          }}
        >
          {s.drawLine}
        </button>
        <button
          type="button"
          disabled={there === 0}
          onClick={() => {
            drawing.value = 'stops';
          }}
        >
          {s.setStops}
        </button>
        <button type="button" onClick={cancel}>
          {model.texts.value.measure.cancel}
        </button>
      </div>
    </div>
  );
}

/** @param begin is given what the measure was told, by its field */
export function Beginning(props: {
  model: Model;
  session: Session;
  scenario: Scenario;
  card: Card;
  begin: (told: Readonly<Record<string, unknown>>) => void;
  giveUp: () => void;
}) {
  const { model, session, scenario, card, begin, giveUp } = props;
  const need = needOf(card);
  if (need === 'roads') return <Roads model={model} begin={begin} giveUp={giveUp} />;
  if (need === 'stops')
    return <Stops model={model} session={session} scenario={scenario} begin={begin} giveUp={giveUp} />;
  return (
    <Sketch
      model={model}
      shape="line"
      home="where-next"
      then={(line) => {
        begin({ line });
      }}
      giveUp={giveUp}
    />
  );
}
