/** The controls: what the map shows. Native radios and selects, so that keyboard and screen reader work by themselves. */
import { useSignal } from '@preact/signals';
import type { Attribution } from './api';
import { AreaChoice } from './area_choice';
import { Display } from './display';
import { textIn } from './format';
import { lazily } from './lazily';
import { Legend } from './legend';
import { loaded } from './loading';
import type { Model } from './model';
import { PartChoice } from './part_choice';
import { Pill } from './pill';
import { SearchBox } from './search_box';
import { LANGUAGES, SECTORS, type Language } from './sectors';
import { ShortcutsButton } from './shortcuts_sheet';
import { LANGUAGE_NAMES } from './texts/texts';
import { Tools } from './tools';
import { YearChoice } from './year_choice';

const ScenarioLegend = lazily(
  async () => (await import('./scenario/legend')).ScenarioLegend,
  () => <div class="skeleton legend-skeleton" aria-hidden="true" />,
);

function SectorChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  const present = model.active.value?.sectors ?? null;
  return (
    <fieldset class="choice sectors">
      <legend class="visually-hidden">{t.sector}</legend>
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
    <fieldset class="choice units">
      <legend class="visually-hidden">{t.unit}</legend>
      <div class="pills segments">
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

function RegionChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  const regions = loaded(model.regions.value) ?? [];
  const region = model.region.value;
  if (!region) return <div class="skeleton choice-skeleton" aria-hidden="true" />;
  if (regions.length === 1)
    return (
      <p class="region-name" translate={false}>
        {textIn(region.name, model.lang.value)}
      </p>
    );
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
          <option key={id} value={id} translate={false}>
            {textIn(name, model.lang.value)}
          </option>
        ))}
      </select>
    </label>
  );
}

export function LanguageSwitch({ model }: { model: Model }) {
  const t = model.texts.value;
  return (
    <fieldset class="languages">
      <legend class="visually-hidden">{t.language}</legend>
      {LANGUAGES.map((lang) => (
        <label key={lang} lang={lang} translate={false}>
          <input
            type="radio"
            name="lang"
            value={lang}
            aria-label={LANGUAGE_NAMES[lang][0]}
            checked={model.lang.value === lang}
            onChange={() => {
              model.update({ lang });
            }}
          />
          <span aria-hidden="true" title={LANGUAGE_NAMES[lang][0]}>
            {LANGUAGE_NAMES[lang][1]}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** An attribution in the reader's language, else as it was given. */
export function attributionIn({ text, texts }: Attribution, language: Language): string {
  return texts[language] ?? text;
}

/** Who the data are from; an address is linked only if it is a web address. */
export function Sources({ model }: { model: Model }) {
  const t = model.texts.value;
  const region = model.region.value;
  if (!region) return null;
  return (
    <footer class="sources">
      <p class="credits">
        {model.attributions.value.map((attribution) => {
          const { text, licence, url } = attribution;
          const words = attributionIn(attribution, model.lang.value);
          return (
            <span key={text} translate={false}>
              {url && /^https?:\/\//.test(url) ? (
                <a href={url} rel="noopener noreferrer" target="_blank">
                  {words}
                </a>
              ) : (
                words
              )}
              {licence && ` ${t.licence(licence)}`}
            </span>
          );
        })}
      </p>
      <span class="edition">
        {t.edition} <code translate={false}>{region.edition}</code>
      </span>
      <button
        type="button"
        class="link about-link"
        onClick={() => {
          model.update({ page: 'about' });
        }}
      >
        {t.about.open}
      </button>
      <ShortcutsButton model={model} />
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
      <div class="controls">
        <SectorChoice model={model} />
        <div class="more" id="more-controls">
          <div class="part-and-unit">
            <PartChoice model={model} />
            <UnitChoice model={model} />
          </div>
          <YearChoice model={model} />
          <AreaChoice model={model} />
          <Display model={model} />
        </div>
      </div>
      {model.covered.value ? <ScenarioLegend model={model} /> : <Legend model={model} />}
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
