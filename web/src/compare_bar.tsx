/** The bar over a comparison: with what, and how the two are shown. */
import { useEffect, useRef } from 'preact/hooks';
import { useAsked } from './asked';
import { CloseButton } from './close_button';
import { MANNERS, type By, type Compare } from './compare';
import { editionName, sideNames } from './compare_names';
import { numbersIn } from './format';
import { lineLabel } from './legend';
import { loaded } from './loading';
import type { Model } from './model';
import { useOpened } from './opened';
import { Pill } from './pill';
import { askEditions } from './questions';
import { legendLines } from './scale';
import { SECTORS } from './sectors';

/** What a view can be compared with, by `by/other` as the address has it. */
function Others({ model, compare }: { model: Model; compare: Compare }) {
  const t = model.texts.value;
  const region = model.region.value;
  const editions = loaded(
    useAsked(model, region && `editions ${region.id} ${region.edition}`, (signal) =>
      askEditions(model.api, region?.id ?? '', signal),
    ),
  );
  const years = (region?.years ?? []).filter((year) => year !== model.year.value).map(String);
  const present = model.active.value?.sectors ?? [];
  const sectors = SECTORS.filter(
    (sector) => sector !== model.sector.value && (sector === 'net' || present.includes(sector)),
  );
  const kept = (editions ?? []).filter(({ id }) => id !== region?.edition);
  const groups: readonly (readonly [By, string, readonly (readonly [string, string])[]])[] = [
    ['year', t.year, years.map((year) => [year, year])],
    ['sector', t.sector, sectors.map((sector) => [sector, t.sectors[sector]])],
    [
      'edition',
      t.edition,
      kept.map(({ id, published }) => [id, `${editionName(id, t)} · ${published.slice(0, 10)}`]),
    ],
  ];
  const now = `${compare.by}/${compare.other}`;
  const listed = groups.some(([by, , others]) => others.some(([other]) => `${by}/${other}` === now));
  return (
    <label class="compare-with">
      <span>{t.compare.with}</span>
      <select
        class="select"
        value={now}
        onChange={(event) => {
          const [by, other] = event.currentTarget.value.split('/');
          if (by !== 'year' && by !== 'sector' && by !== 'edition') return;
          model.update({ compare: { ...compare, by, other: other ?? '' } });
        }}
      >
        {!listed && <option value={now}>{sideNames(model).other}</option>}
        {groups.map(
          ([by, title, others]) =>
            others.length > 0 && (
              <optgroup key={by} label={title}>
                {others.map(([other, name]) => (
                  <option key={other} value={`${by}/${other}`} translate={by !== 'edition'}>
                    {name}
                  </option>
                ))}
              </optgroup>
            ),
        )}
      </select>
    </label>
  );
}

/** The other side's classes, where they are not those of the legend. */
function OtherClasses({ model }: { model: Model }) {
  const t = model.texts.value;
  const picture = model.otherPicture.value;
  if (!picture || picture.scale === model.scale.value) return null;
  const numbers = numbersIn(model.lang.value);
  return (
    <details class="other-classes">
      <summary>{t.compare.otherLegend(t.sectorTitles[model.otherSector.value])}</summary>
      <ul class="legend-classes">
        {legendLines(picture.scale)
          .toReversed()
          .map((line) => (
            <li key={line.at} class="legend-row">
              <span class="swatch" style={{ backgroundColor: line.colour }} aria-hidden="true" />
              <span class="legend-label">{lineLabel(line, t, numbers)}</span>
            </li>
          ))}
      </ul>
    </details>
  );
}

export function CompareBar({ model }: { model: Model }) {
  const t = model.texts.value;
  const compare = model.compare.value;
  const bar = useRef<HTMLElement>(null);
  const end = useOpened(
    compare && 'compare',
    bar,
    () => {
      model.update({ compare: null });
    },
    '#compare-tool',
  );
  const manner = compare?.how;
  // The bar takes room that the region was laid out in.
  useEffect(() => {
    if (model.whole.peek() && bar.current) model.goal.value = model.region.peek()?.bbox ?? null;
  }, [model, manner]);
  if (!compare) return null;
  const names = sideNames(model);
  return (
    <section class="compare-bar" aria-label={t.compare.title} data-testid="compare" ref={bar}>
      <Others model={model} compare={compare} />
      <fieldset class="choice">
        <legend class="visually-hidden">{t.compare.how}</legend>
        <div class="pills">
          {MANNERS.map((how) => (
            <Pill
              key={how}
              name="compare-how"
              value={how}
              checked={compare.how === how}
              choose={() => {
                model.update({ compare: { ...compare, how } });
              }}
            >
              {t.compare.manners[how]}
            </Pill>
          ))}
        </div>
      </fieldset>
      <p class="compare-sides">
        {compare.how === 'difference'
          ? t.compare.differenceOf(names.now, names.other)
          : t.compare.sides(names.other, names.now)}
      </p>
      <OtherClasses model={model} />
      <CloseButton label={t.compare.end} close={end} />
    </section>
  );
}
