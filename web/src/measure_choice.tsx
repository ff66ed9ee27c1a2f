/** How an area comes to be measured: drawn on the map, brought as a file, or put together from zones. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { useAsked } from './asked';
import { LEAST_CORNERS } from './drawing';
import { nameOf, textIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { useOpened } from './opened';
import { askPage } from './questions';
import { MOST_ITEMS } from './state';

/** More zones than a page can list are found by typing a part of the name. */
const MOST_LISTED = 1000;

/** What is said while something is drawn; an area is said by the page's own texts. */
export interface SketchWords {
  readonly corners: (count: number) => string;
  readonly help: string;
  readonly undo: string;
}

/** @param home id of what gets the focus when drawing is given up */
export function Sketching(props: { model: Model; home?: string; words?: SketchWords }) {
  const { model, home = 'measured-title' } = props;
  const t = model.texts.value;
  const { measure } = t;
  const words = props.words ?? { corners: measure.corners, help: measure.drawHelp, undo: measure.undo };
  const corners = model.sketch.value?.length ?? 0;
  const least = LEAST_CORNERS[model.drawnFor.value?.shape ?? 'area'];
  const panel = useRef<HTMLDivElement>(null);
  const giveUp = () => {
    model.endSketch();
  };
  useOpened('sketch', panel, giveUp);
  return (
    <div class="sketching" ref={panel}>
      <p role="status">{words.corners(corners)}</p>
      <p class="fine">{words.help}</p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={corners < least}
          onClick={() => {
            model.finishSketch();
          }}
        >
          {t.measure.finish}
        </button>
        <button
          type="button"
          disabled={corners === 0}
          onClick={() => {
            model.sketch.value = (model.sketch.value ?? []).slice(0, -1);
          }}
        >
          {words.undo}
        </button>
        <button
          type="button"
          onClick={() => {
            giveUp();
            document.getElementById(home)?.focus();
          }}
        >
          {t.measure.cancel}
        </button>
      </div>
    </div>
  );
}

/** Zones that are picked, of one set. */
export interface Picked {
  /** Null: the first set there is. */
  readonly collection: string | null;
  readonly ids: readonly string[];
  readonly set: (collection: string, ids: readonly string[]) => void;
}

/** Zones by name, of which some are picked. */
export function ZoneList(props: {
  model: Model;
  /** What the button says, by the number of zones. */
  action: (count: number) => string;
  /** What is picked, where the map picks too; else it is the list's own. */
  picked?: Picked;
  choose: (collection: string, ids: readonly string[]) => void;
}) {
  const { model, action, choose } = props;
  const t = model.texts.value;
  const lang = model.lang.value;
  const region = model.region.value;
  const year = model.year.value;
  const zoneSets = (loaded(model.collections.value) ?? []).filter(({ kind }) => kind === 'zones');
  const part = useSignal('');
  const own = useSignal<Pick<Picked, 'collection' | 'ids'>>({ collection: null, ids: [] });
  const picked = props.picked ?? {
    ...own.value,
    set(collection: string, ids: readonly string[]) {
      own.value = { collection, ids };
    },
  };
  const zoneSet = zoneSets.find(({ id }) => id === picked.collection) ?? zoneSets[0];
  const chosen = picked.ids;
  const key =
    zoneSet && region && year !== null
      ? { region: region.id, edition: region.edition, collection: zoneSet.id, year }
      : null;
  const columns = ['id', ...(zoneSet?.columns.filter((name) => name.startsWith('name_')) ?? [])];
  const answer = useAsked(model, key && JSON.stringify(key), (signal) => {
    if (!key) throw new Error('asked without a zone set');
    return askPage(
      model.api,
      key,
      { columns, sort: columns[1] ?? 'id', limit: MOST_LISTED, offset: 0 },
      signal,
    );
  });
  if (!zoneSet) return null;
  const zones = (loaded(answer)?.items ?? [])
    .map(({ id, properties }) => ({ id, name: nameOf(properties, id, lang) }))
    .sort((a, b) => a.name.localeCompare(b.name, lang === 'pseudo' ? 'en' : lang));
  const sought = part.value.trim().toLocaleLowerCase();
  const listed = zones.filter(
    ({ name, id }) => name.toLocaleLowerCase().includes(sought) || id.includes(sought),
  );
  return (
    <div class="zone-list">
      {zoneSets.length > 1 && (
        <label>
          <span class="visually-hidden">{t.measure.zoneSet}</span>
          <select
            class="select"
            value={zoneSet.id}
            onChange={(event) => {
              picked.set(event.currentTarget.value, []);
            }}
          >
            {zoneSets.map(({ id, title }) => (
              <option key={id} value={id} translate={false}>
                {textIn(title, lang)}
              </option>
            ))}
          </select>
        </label>
      )}
      {zones.length > 12 && (
        <input
          type="search"
          aria-label={t.measure.filterZones}
          placeholder={t.measure.filterZones}
          value={part.value}
          onInput={(event) => {
            part.value = event.currentTarget.value;
          }}
        />
      )}
      {answer.state === 'loading' && <div class="skeleton line-skeleton" aria-hidden="true" />}
      {answer.state === 'failed' && <ProblemNote problem={answer.problem} t={t} missing={t.refused} />}
      <ul>
        {listed.map(({ id, name }) => (
          <li key={id}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(id)}
                disabled={chosen.length >= MOST_ITEMS && !chosen.includes(id)}
                onChange={(event) => {
                  const rest = chosen.filter((one) => one !== id);
                  picked.set(zoneSet.id, event.currentTarget.checked ? [...rest, id] : rest);
                }}
              />
              <span translate={false}>{name}</span>
            </label>
          </li>
        ))}
      </ul>
      <button
        type="button"
        class="primary"
        disabled={chosen.length === 0}
        onClick={() => {
          choose(zoneSet.id, chosen);
        }}
      >
        {action(chosen.length)}
      </button>
    </div>
  );
}

export function MeasureChoice({ model, refusal }: { model: Model; refusal: string | null }) {
  const t = model.texts.value;
  const file = useRef<HTMLInputElement>(null);
  if (model.sketch.value) return <Sketching model={model} />;
  return (
    <div class="measure-choice">
      <p>{t.measure.intro}</p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={model.mapState.value !== 'ready'}
          onClick={() => {
            model.sketch.value = [];
            // With the focus on the map, Enter sets corners at the crosshair.
            document.querySelector<HTMLElement>('canvas.maplibregl-canvas')?.focus({ preventScroll: true });
          }}
        >
          {t.measure.draw}
        </button>
        <button type="button" onClick={() => file.current?.click()}>
          {t.measure.file}
        </button>
        <input
          ref={file}
          type="file"
          class="visually-hidden"
          tabIndex={-1}
          aria-hidden="true"
          accept=".geojson,.json,application/geo+json"
          data-testid="outline-file"
          onChange={(event) => {
            model.dropped.value = event.currentTarget.files?.[0] ?? null;
            event.currentTarget.value = '';
          }}
        />
      </div>
      <p class="fine">{t.measure.fileHelp}</p>
      {refusal !== null && (
        <p class="note" role="alert" data-testid="outline-refused">
          {refusal}
        </p>
      )}
      <details>
        <summary>{t.measure.fromList}</summary>
        <ZoneList
          model={model}
          action={t.measure.sumChosen}
          choose={(collection, ids) => {
            model.update({
              measured: { kind: 'items', collection, ids },
              area: collection,
              selected: null,
            });
          }}
        />
      </details>
    </div>
  );
}
