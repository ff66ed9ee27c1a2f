/** Buttons that open what lies beside the map: the table, and the measuring of an area. */
import type { ComponentChildren } from 'preact';
import { firstCompare } from './compare_names';
import type { BBox } from './decode';
import type { Model } from './model';
import { emissionsColumn } from './sectors';

function isWithin([west, south, east, north]: BBox, around: BBox): boolean {
  return west >= around[0] && south >= around[1] && east <= around[2] && north <= around[3];
}

/** Pages that a tool opens; what the data are is told from the sources. */
const OPENED = ['take', 'report'] as const;
const PATHS: Readonly<Record<(typeof OPENED)[number], string>> = {
  take: 'M8 2.5v8M4.5 7.5 8 11l3.5-3.5M2.5 13.5h11',
  report: 'M3.5 1.5h6l3 3v10h-9zM5.5 7.5h5M5.5 10h5M5.5 12.5h3',
};

function Tool(props: {
  id?: string;
  /** Not given: it opens something that closes by itself. */
  pressed?: boolean;
  label: string;
  /** A word of the label that fits the button, where the whole does not. */
  short?: string;
  path: string;
  act: () => void;
  children?: ComponentChildren;
}) {
  const { pressed, label, path, act } = props;
  return (
    <button type="button" id={props.id} aria-pressed={pressed} aria-label={label} title={label} onClick={act}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={path} />
      </svg>
      <span>{props.short ?? label}</span>
    </button>
  );
}

export function Tools({ model }: { model: Model }) {
  const t = model.texts.value;
  const { table, measured, compare, scenarios } = model.view.value;
  const measuring = model.measuring.value || measured !== null;
  return (
    <div class="tools">
      <Tool
        id="table-tool"
        pressed={table !== null}
        label={t.table.open}
        path="M2.5 3.5h11v9h-11zM2.5 6.5h11M2.5 9.5h11M6.5 3.5v9"
        act={() => {
          model.update({ table: table === null ? `-${emissionsColumn(model.sector.value)}` : null });
        }}
      />
      <Tool
        id="measure-tool"
        pressed={measuring}
        label={t.measure.open}
        short={t.measure.tool}
        path="M2.5 12.5 4 4.5l6-2 3.5 5-3 5z"
        act={() => {
          if (measuring) {
            model.endSketch();
            model.measuring.value = false;
            model.update({ measured: null });
          } else {
            model.measuring.value = true;
            model.update({ selected: null, scenarios: null });
          }
        }}
      />
      <Tool
        id="compare-tool"
        pressed={compare !== null}
        label={t.compare.open}
        path="M2.5 3.5h11v9h-11zM8 2v12M10.5 6.5h1M10.5 9.5h1"
        act={() => {
          model.update({ compare: compare ? null : firstCompare(model), scenarios: null });
        }}
      />
      <Tool
        id="scenario-tool"
        pressed={scenarios !== null}
        label={t.scenario.open}
        path="M2 12.5 6 8l3 2.5 5-7M14 7.5v-4h-4"
        act={() => {
          model.endSketch();
          model.measuring.value = false;
          // A region that was seen whole is seen whole beside the panel, too.
          const [bbox, bounds] = [model.region.value?.bbox, model.bounds.value];
          if (!scenarios && bbox && bounds && isWithin(bbox, bounds)) model.goal.value = bbox;
          model.update({
            scenarios: scenarios ? null : [''],
            scenario: 0,
            selected: null,
            measured: null,
            compare: null,
          });
        }}
      />
      {OPENED.map((page) => (
        <Tool
          key={page}
          label={t[page].open}
          path={PATHS[page]}
          act={() => {
            model.update({ page });
          }}
        />
      ))}
    </div>
  );
}
