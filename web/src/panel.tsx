/** The controls: what the map shows. Native radios and selects, so that keyboard and screen reader work by themselves. */
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { gridsOf } from './areas';
import { textIn } from './format';
import { Legend } from './legend';
import { loaded } from './loading';
import type { Model } from './model';
import { SearchBox } from './search_box';
import { LANGUAGES, SECTORS } from './sectors';
import { AUTO } from './state';
import { textsIn } from './texts/texts';
import { Tools } from './tools';

function Pill(props: {
  name: string;
  value: string;
  checked: boolean;
  disabled?: boolean;
  title?: string;
  choose: () => void;
  children: ComponentChildren;
}) {
  return (
    <label class="pill" title={props.title}>
      <input
        type="radio"
        name={props.name}
        value={props.value}
        checked={props.checked}
        disabled={props.disabled ?? false}
        onChange={props.choose}
      />
      <span>{props.children}</span>
    </label>
  );
}

function SectorChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  const present = model.active.value?.sectors ?? null;
  return (
    <fieldset class="choice sectors">
      <legend>{t.sector}</legend>
      <div class="pills">
        {SECTORS.map((sector) => {
          const absent = sector !== 'net' && present !== null && !present.includes(sector);
          return (
            <Pill
              key={sector}
              name="sector"
              value={sector}
              checked={model.sector.value === sector}
              disabled={absent}
              {...(absent ? { title: t.sectorAbsent } : {})}
              choose={() => {
                model.update({ sector });
              }}
            >
              <i class={`dot dot-${sector}`} aria-hidden="true" />
              {t.sectors[sector]}
            </Pill>
          );
        })}
      </div>
    </fieldset>
  );
}

function UnitChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  return (
    <fieldset class="choice">
      <legend>{t.unit}</legend>
      <div class="pills">
        {model.units.value.map((unit) => (
          <Pill
            key={unit}
            name="unit"
            value={unit}
            checked={model.unit.value === unit}
            title={t.unitTitles[unit]}
            choose={() => {
              model.update({ unit });
            }}
          >
            {t.unitChoices[unit]}
          </Pill>
        ))}
      </div>
    </fieldset>
  );
}

function AreaChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  const collections = loaded(model.collections.value);
  if (!collections) return <div class="skeleton choice-skeleton" aria-hidden="true" />;
  const grids = gridsOf(collections);
  const others = collections.filter((collection) => !grids.includes(collection));
  const { area } = model.view.value;
  const known = area === AUTO || collections.some(({ id }) => id === area);
  const active = model.active.value;
  const automatic = !known || area === AUTO;
  const size = (metres: number | null) => (metres === null ? '' : t.cellSize(metres));
  return (
    <fieldset class="choice">
      <legend>{t.area}</legend>
      {grids.length > 0 && (
        <div class="pills">
          <Pill
            name="area"
            value={AUTO}
            checked={automatic}
            title={active ? t.areaAutoNow(size(active.cellSizeM)) : t.areaAuto}
            choose={() => {
              model.chooseArea(AUTO);
            }}
          >
            {t.areaAuto}
            {automatic && active?.kind === 'grid' && <small> {size(active.cellSizeM)}</small>}
          </Pill>
          {grids.map((grid) => (
            <Pill
              key={grid.id}
              name="area"
              value={grid.id}
              checked={!automatic && area === grid.id}
              choose={() => {
                model.chooseArea(grid.id);
              }}
            >
              {size(grid.cellSizeM)}
            </Pill>
          ))}
        </div>
      )}
      {others.length > 0 && (
        <div class="pills">
          {others.map((collection) => (
            <Pill
              key={collection.id}
              name="area"
              value={collection.id}
              checked={active?.id === collection.id}
              choose={() => {
                model.chooseArea(collection.id);
              }}
            >
              {textIn(collection.title, model.lang.value)}
            </Pill>
          ))}
        </div>
      )}
    </fieldset>
  );
}

function RegionChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  const regions = loaded(model.regions.value) ?? [];
  const region = model.region.value;
  if (!region) return <div class="skeleton choice-skeleton" aria-hidden="true" />;
  if (regions.length === 1) return <p class="region-name">{textIn(region.name, model.lang.value)}</p>;
  return (
    <label class="choice region-choice">
      <span class="visually-hidden">{t.region}</span>
      <select
        value={region.id}
        onChange={(event) => {
          model.chooseRegion(event.currentTarget.value);
        }}
      >
        {regions.map(({ id, name }) => (
          <option key={id} value={id}>
            {textIn(name, model.lang.value)}
          </option>
        ))}
      </select>
    </label>
  );
}

function YearChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  const years = model.region.value?.years ?? [];
  const year = model.year.value;
  if (years.length < 2 || year === null) return null;
  return (
    <label class="choice year-choice">
      <span class="choice-name">
        {t.year} <output>{year}</output>
      </span>
      <input
        type="range"
        min={0}
        max={years.length - 1}
        step={1}
        value={years.indexOf(year)}
        aria-valuetext={String(year)}
        onInput={(event) => {
          model.update({ year: years[event.currentTarget.valueAsNumber] ?? null });
        }}
      />
      <span class="year-ends" aria-hidden="true">
        <span>{years[0]}</span>
        <span>{years.at(-1)}</span>
      </span>
    </label>
  );
}

export function LanguageSwitch({ model }: { model: Model }) {
  const t = model.texts.value;
  return (
    <fieldset class="languages">
      <legend class="visually-hidden">{t.language}</legend>
      {LANGUAGES.map((lang) => (
        <label key={lang} lang={lang}>
          <input
            type="radio"
            name="lang"
            value={lang}
            aria-label={textsIn(lang).languageName}
            checked={model.lang.value === lang}
            onChange={() => {
              model.update({ lang });
            }}
          />
          <span aria-hidden="true" title={textsIn(lang).languageName}>
            {textsIn(lang).languageShort}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** Who the data are from; an address is linked only if it is a web address. */
export function Sources({ model }: { model: Model }) {
  const t = model.texts.value;
  const region = model.region.value;
  if (!region) return null;
  return (
    <footer class="sources">
      {region.attributions.map(({ text, licence, url }) => (
        <span key={text}>
          {url && /^https?:\/\//.test(url) ? (
            <a href={url} rel="noopener noreferrer" target="_blank">
              {text}
            </a>
          ) : (
            text
          )}
          {licence && ` ${t.licence(licence)}`}
        </span>
      ))}
      <span class="edition">
        {t.edition} <code>{region.edition}</code>
      </span>
    </footer>
  );
}

export function Panel({ model }: { model: Model }) {
  const t = model.texts.value;
  const open = useSignal(false);
  return (
    <section class={open.value ? 'panel open' : 'panel'} aria-label={t.controls}>
      <button
        type="button"
        class="sheet-handle"
        aria-expanded={open.value}
        aria-controls="more-controls"
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <i aria-hidden="true" />
        <span>{open.value ? t.hideControls : t.showControls}</span>
      </button>
      <SectorChoice model={model} />
      <div class="more" id="more-controls">
        <AreaChoice model={model} />
        <UnitChoice model={model} />
        <YearChoice model={model} />
      </div>
      <Legend model={model} />
      <Sources model={model} />
    </section>
  );
}

export function Brand({ model }: { model: Model }) {
  const t = model.texts.value;
  return (
    <header class="brand">
      <div class="brand-line">
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <rect x="3" y="3" width="12" height="12" rx="2.5" opacity=".3" />
          <rect x="17" y="3" width="12" height="12" rx="2.5" opacity=".65" />
          <rect x="3" y="17" width="12" height="12" rx="2.5" opacity=".65" />
          <rect x="17" y="17" width="12" height="12" rx="2.5" />
        </svg>
        <h1>{t.title}</h1>
        <LanguageSwitch model={model} />
      </div>
      <RegionChoice model={model} />
      <SearchBox model={model} />
      <Tools model={model} />
    </header>
  );
}
