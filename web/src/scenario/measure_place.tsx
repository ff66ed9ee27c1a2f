/** Where a measure acts, changed: its area, its roads, its line or its stops; and which use becomes which. */
import { useSignal } from '@preact/signals';
import type { Model } from '../model';
import { Sketch } from './beginning';
import { areaOf, namedRoads, placeOf, placesIn, withField, type Measure } from './document';
import { namesRoads, takesArea, USES } from './kinds';
import { textsOf } from './words';
import { Where } from './where';

interface Props {
  readonly model: Model;
  readonly measure: Measure;
  readonly change: (measure: Measure) => void;
}

function Redraw({ model, measure, change }: Props) {
  const s = textsOf(model);
  const drawing = useSignal(false);
  const field = placesIn(measure.line).length > 0 ? 'line' : 'stops';
  const id = `redraw-${measure.id}`;
  return (
    <div class="where">
      <div class="buttons">
        <button
          type="button"
          id={id}
          aria-expanded={drawing.value}
          disabled={model.mapState.value !== 'ready'}
          onClick={() => {
            drawing.value = !drawing.value;
          }}
        >
          {s.drawAgain}
        </button>
      </div>
      {drawing.value && (
        <Sketch
          model={model}
          shape={field === 'line' ? 'line' : 'points'}
          home={id}
          then={(corners) => {
            change(withField(measure, field, corners));
          }}
          giveUp={() => {
            drawing.value = false;
          }}
        />
      )}
    </div>
  );
}

/** Which use floor area has today, and which it gets; there are two. */
function UseFields({ model, measure, change }: Props) {
  const s = textsOf(model);
  const from = measure.source === USES[0] ? 0 : 1;
  return (
    <label class="field wide">
      <span>{s.useChange}</span>
      <select
        class="select"
        data-field="use"
        value={String(from)}
        onChange={(event) => {
          const [source, target] = event.currentTarget.value === '0' ? USES : USES.toReversed();
          change({ ...measure, source, target });
        }}
      >
        {s.useChanges.map((words, index) => (
          <option key={words} value={String(index)}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What a measure says beside its sliders. */
export function MeasureChoice(props: Props) {
  return props.measure.kind === 'use_change' ? <UseFields {...props} /> : null;
}

export function MeasurePlace(props: Props) {
  const { model, measure, change } = props;
  const s = textsOf(model);
  const { kind } = measure;
  if (kind === 'new_road' || kind === 'transit_stops') return <Redraw {...props} />;
  if (!takesArea(kind)) return null;
  const roads = {
    ids: namedRoads(measure),
    choose(ids: readonly string[]) {
      // Named roads mean all of their length; with an area only what lies in it.
      change(withField(withField(measure, 'area', undefined), 'roads', ids));
    },
  };
  return (
    <Where
      model={model}
      id={`where-${measure.id}`}
      label={s.where}
      place={placeOf(measure)}
      {...(namesRoads(kind) ? { roads } : {})}
      choose={(place) => {
        const rest = namesRoads(kind) && place ? withField(measure, 'roads', undefined) : measure;
        change(withField(rest, 'area', areaOf(place)));
      }}
    />
  );
}
