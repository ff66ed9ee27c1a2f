/** The page: the map behind, panels over it. */
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Badges, Banner } from './badges';
import { Card } from './card';
import { coming } from './coming';
import { sideNames } from './compare_names';
import { Divider } from './divider';
import { doubtLabel } from './doubt';
import { numbersIn, textIn } from './format';
import { lazily } from './lazily';
import { amountAt } from './legend';
import { createMap, type MapHandle } from './map';
import { UNKNOWN } from './layers/theme';
import type { Model } from './model';
import { Notices } from './notices';
import { Brand, Panel } from './panel';
import { insetsOf, type Insets } from './room';
import { colourOf } from './scale';
import { Shortcuts } from './shortcuts_sheet';
import { Tooltip } from './tooltip';
import './base.css';
import './map.css';
import './page.css';
import './choices.css';
import './legend.css';
import './over_map.css';
import './notices.css';
import './card.css';
import './breakdown.css';
import './trend.css';
import './receipt.css';
import './measure.css';
import './keys.css';
import './search.css';
import './table.css';
import './compare.css';
import './sheet.css';
import './report.css';
import './print.css';
import './low.css';

/** Room that the panels take, from what they measure now. */
function panelInsets(): Insets {
  const boxes = (selector: string) =>
    [...document.querySelectorAll(selector)].map((element) => element.getBoundingClientRect());
  const [stage] = boxes('#map');
  return insetsOf(
    stage ?? new DOMRect(0, 0, innerWidth, innerHeight),
    boxes('.panel, .card, .table-sheet, .compare-bar, .sources'),
  );
}

function Pointed({ model }: { model: Model }) {
  const hovered = model.hovered.value;
  const comparing = model.compare.value;
  const differing = comparing?.how === 'difference';
  const scale = differing ? model.differenceScale.value : model.scale.value;
  if (!hovered || !scale) return null;
  const t = model.texts.value;
  const names = sideNames(model);
  const amount = (value: number | null) =>
    value === null ? t.unknown : numbersIn(model.lang.value).amount(value);
  const unit = t.units[model.unit.value];
  return (
    <Tooltip
      testid="tooltip"
      at={hovered}
      name={hovered.name}
      colour={colourOf(scale, amountAt(hovered, differing), UNKNOWN[model.ground.value])}
      value={
        (comparing ? `${names.now}: ` : '') +
        (hovered.value === null ? t.unknown : `${amount(hovered.value)} ${unit}`)
      }
    >
      {comparing && (
        <span class="tooltip-held" data-testid="tooltip-other">
          {names.other}: {amount(hovered.other)}
        </span>
      )}
      {differing && hovered.value !== null && hovered.other !== null && (
        <span class="tooltip-held" data-testid="tooltip-difference">
          {t.compare.difference}: {numbersIn(model.lang.value).signed(hovered.value - hovered.other)}
          {hovered.indistinct && <em> {t.compare.indistinct}</em>}
        </span>
      )}
      {hovered.held && <span class="tooltip-held">{t.held}</span>}
      {hovered.doubtful && (
        <span class="tooltip-held">
          {doubtLabel({ sector: model.sector.value, by: model.view.value.mark }, t)}
        </span>
      )}
    </Tooltip>
  );
}

const OtherMap = lazily(
  async () => (await import('./other_map')).OtherMap,
  () => null,
);

const ScenarioMap = lazily(
  async () => (await import('./scenario/map_view')).ScenarioMap,
  () => null,
);

const ScenarioPanel = lazily(
  async () => (await import('./scenario/panel')).ScenarioPanel,
  coming(
    'card skeleton',
    (model) => {
      model.update({ scenarios: null });
    },
    '#scenario-tool',
  ),
);

const ScenarioReport = lazily(
  async () => (await import('./scenario/report')).ScenarioReport,
  () => null,
);

function MapView({ model }: { model: Model }) {
  const compare = model.compare.value;
  const beside = compare !== null && compare.how !== 'difference';
  const names = sideNames(model);
  const element = useRef<HTMLDivElement>(null);
  const handle = useRef<MapHandle | null>(null);
  const made = useSignal<MapHandle | null>(null);
  const t = model.texts.value;

  useEffect(() => {
    if (!element.current) return;
    try {
      handle.current = createMap(element.current, model, panelInsets);
      made.value = handle.current;
    } catch {
      // There is no WebGL, or it fails to start.
      model.mapState.value = 'no-webgl';
    }
    return () => {
      handle.current?.remove();
      handle.current = null;
      made.value = null;
    };
  }, [model, made]);

  // MapLibre names its canvas once, in English; the reader's language may change.
  useSignalEffect(() => {
    void model.mapState.value;
    const words = model.texts.value;
    const canvas = element.current?.querySelector('canvas');
    canvas?.setAttribute('aria-label', `${words.map}. ${words.mapHelp}`);
  });

  return (
    <>
      <div
        class="map"
        id="map"
        tabIndex={-1}
        ref={element}
        data-testid="map"
        data-state={model.mapState.value}
        aria-busy={model.busy.value}
      />
      {beside && made.value && <OtherMap model={model} handle={made.value} />}
      {beside && (
        <>
          <span class="side-name side-name-other">
            {names.other}{' '}
            {compare.by === 'sector' && <Badges model={model} sector={model.otherSector.value} />}
          </span>
          <span class="side-name side-name-now">
            {names.now} {compare.by === 'sector' && <Badges model={model} sector={model.sector.value} />}
          </span>
        </>
      )}
      <Divider model={model} />
      {model.view.value.scenarios && made.value && <ScenarioMap model={model} handle={made.value} />}
      <div class="crosshair" aria-hidden="true" />
      {model.mapState.value === 'starting' && (
        <p class="map-loading" role="status">
          {t.loadingMap}
        </p>
      )}
      <div class="map-buttons">
        <button
          type="button"
          aria-label={t.zoomIn}
          title={t.zoomIn}
          onClick={() => handle.current?.zoomBy(1)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M8 3v10M3 8h10" />
          </svg>
        </button>
        <button
          type="button"
          aria-label={t.zoomOut}
          title={t.zoomOut}
          onClick={() => handle.current?.zoomBy(-1)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3 8h10" />
          </svg>
        </button>
        <button
          type="button"
          aria-label={t.wholeRegion}
          title={t.wholeRegion}
          onClick={() => handle.current?.showRegion()}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" />
          </svg>
        </button>
      </div>
      <Pointed model={model} />
    </>
  );
}

const CompareBar = lazily(
  async () => (await import('./compare_bar')).CompareBar,
  coming(
    '',
    (model) => {
      model.update({ compare: null });
    },
    '#compare-tool',
  ),
);

const TableSheet = lazily(
  async () => (await import('./table_sheet')).TableSheet,
  coming(
    'table-sheet skeleton',
    (model) => {
      model.update({ table: null });
    },
    '#table-tool',
  ),
);

const MeasuredCard = lazily(
  async () => (await import('./measured_card')).MeasuredCard,
  coming(
    'card skeleton',
    (model) => {
      model.measuring.value = false;
      model.update({ measured: null });
    },
    '#measure-tool',
  ),
);

const TakeSheet = lazily(
  async () => (await import('./take_sheet')).TakeSheet,
  coming('', (model) => {
    model.update({ page: null });
  }),
);

const AboutSheet = lazily(
  async () => (await import('./about_sheet')).AboutSheet,
  coming('', (model) => {
    model.update({ page: null });
  }),
);

const ReportPage = lazily(
  async () => (await import('./report_page')).ReportPage,
  () => null,
);

/** A file that is dropped anywhere on the page is measured; otherwise the browser would leave for it. */
function useDroppedFiles(model: Model): void {
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      model.update({ selected: null, measured: null });
      model.measuring.value = true;
      model.dropped.value = file;
    };
    addEventListener('dragover', over);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('drop', drop);
    };
  }, [model]);
}

/** The page that the address asks for: the map, or the report, which needs none. */
export function App({ model }: { model: Model }) {
  useSignalEffect(() => {
    document.documentElement.lang = model.lang.value === 'pseudo' ? 'en' : model.lang.value;
  });
  const { page, scenarios } = model.view.value;
  if (page !== 'report') return <MapPage model={model} />;
  return scenarios ? <ScenarioReport model={model} /> : <ReportPage model={model} />;
}

function MapPage({ model }: { model: Model }) {
  const t = model.texts.value;
  const { selected, table, measured, page, scenarios } = model.view.value;
  const measuring = model.measuring.value || measured !== null;
  const compare = model.compare.value;
  useDroppedFiles(model);

  useSignalEffect(() => {
    const region = model.region.value;
    const words = model.texts.value;
    document.title = region ? words.pageTitle(textIn(region.name, model.lang.value)) : words.title;
  });

  return (
    <div
      class={[
        'app',
        selected || measuring || scenarios ? 'with-card' : '',
        table === null ? '' : 'with-table',
      ]
        .join(' ')
        .trim()}
    >
      <a
        class="skip"
        href="#map"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>('canvas.maplibregl-canvas')?.focus();
        }}
      >
        {t.skip}
      </a>
      <div class="side">
        <Brand model={model} />
        <Panel model={model} />
      </div>
      <main
        class={compare ? `stage comparing-${compare.how}` : 'stage'}
        style={{ '--cut': String(compare?.how === 'swipe' ? compare.cut : 50) }}
      >
        <MapView model={model} />
        <Banner model={model} />
        {compare && <CompareBar model={model} />}
        <Notices model={model} />
      </main>
      {table !== null && <TableSheet model={model} />}
      <Card model={model} />
      {measuring && !selected && <MeasuredCard model={model} />}
      {scenarios && !measuring && !selected && <ScenarioPanel model={model} />}
      <Shortcuts model={model} />
      {page === 'take' && <TakeSheet model={model} />}
      {page === 'about' && <AboutSheet model={model} />}
    </div>
  );
}
