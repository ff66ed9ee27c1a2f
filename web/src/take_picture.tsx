/** The button that saves the view as a PNG, with what stands around the map. */
import { useSignal } from '@preact/signals';
import { isIllustrative } from './badges';
import { sideNames } from './compare_names';
import { doubtLabel } from './doubt';
import { localDay, numbersIn, textIn } from './format';
import { UNKNOWN } from './layers/theme';
import { THEMES } from './layers/themes';
import { lineLabel } from './legend';
import type { Model } from './model';
import { attributionIn } from './panel';
import { shownTitle } from './part_choice';
import { legendLines, type Scale } from './scale';
import { mayBeHeld } from './sectors';
import { composePicture, type Beside, type Caption, type LegendEntry } from './view_picture';

function classEntries(scale: Scale, model: Model): LegendEntry[] {
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  return legendLines(scale).map((line) => ({ colour: line.colour, label: lineLabel(line, t, numbers) }));
}

/** What the marks in view mean. */
function markEntries(model: Model, differing: boolean): LegendEntry[] {
  const t = model.texts.value;
  const sector = model.sector.value;
  const { unknown, doubtful, held } = model.inView.value;
  const { doubt } = model.view.value;
  const told = doubt !== 'off' && model.part.value === null;
  const strong = THEMES[sector].ramps.light.emission.at(-1) ?? '#000000';
  const marked: Pick<LegendEntry, 'colour' | 'mark'> =
    doubt === 'fade' ? { colour: strong, mark: 'faded' } : { colour: '#ffffff', mark: 'dots' };
  const found: LegendEntry[] = [];
  if (unknown) found.push({ colour: UNKNOWN[model.ground.value], label: t.unknown });
  if (doubt !== 'off' && model.picture.value?.difference?.less.uncertain)
    found.push({ ...marked, label: t.compare.indistinctLegend });
  if (told && doubtful && !differing)
    found.push({
      ...marked,
      label: doubtLabel({ sector, by: model.view.value.mark }, t),
    });
  if (held && mayBeHeld(sector)) found.push({ colour: '#ffffff', mark: 'stripes', label: t.held });
  return found;
}

function legendsOf(model: Model, scale: Scale, differing: boolean): Caption['legends'] {
  const t = model.texts.value;
  const names = sideNames(model);
  const unit = t.units[model.unit.value];
  const other = model.otherPicture.value;
  const own = [...classEntries(scale, model), ...markEntries(model, differing)];
  if (!other || other.scale === scale) return [{ title: `${t.legend} · ${unit}`, entries: own }];
  return [
    { title: `${names.other} · ${unit}`, entries: classEntries(other.scale, model) },
    { title: `${names.now} · ${unit}`, entries: own },
  ];
}

/** What is said around the map, all in the reader's language. */
function captionOf(model: Model, today: Date, address: string): Caption | null {
  const t = model.texts.value;
  const lang = model.lang.value;
  const region = model.region.value;
  const compare = model.compare.value;
  const differing = compare?.how === 'difference';
  const scale = differing ? model.differenceScale.value : model.scale.value;
  if (!region || !scale) return null;
  const sector = model.sector.value;
  const names = sideNames(model);
  const collection = model.active.value;
  const sides = differing
    ? t.compare.differenceOf(names.now, names.other)
    : t.compare.sides(names.other, names.now);
  return {
    title: `${textIn(region.name, lang)} · ${shownTitle(sector, model.part.value, t)}`,
    subtitle: [
      t.units[model.unit.value],
      // Of two years each side says its own.
      ...(compare?.by === 'year' ? [] : [t.perYear(model.year.value ?? 0)]),
      ...(compare ? [sides] : []),
      ...(collection ? [textIn(collection.title, lang)] : []),
    ].join(' · '),
    marks: [
      ...(region.synthetic ? [`${t.synthetic}: ${t.syntheticDetail}`] : []),
      ...(isIllustrative(region, sector) || (compare && isIllustrative(region, model.otherSector.value))
        ? [`${t.illustrative}: ${t.illustrativeHere}`]
        : []),
    ],
    legends: legendsOf(model, scale, differing),
    lines: [
      model.attributions.value
        .map((one) =>
          [attributionIn(one, lang), one.licence && t.licence(one.licence)].filter(Boolean).join(' '),
        )
        .join('; '),
      `${t.edition} ${region.edition} · ${t.take.drawnOn(localDay(today))}`,
      address,
    ],
    barLabel: t.cellSize,
  };
}

async function pictureOf(model: Model): Promise<HTMLCanvasElement | null> {
  const shot = await model.shots.value.first?.();
  const caption = captionOf(model, new Date(), new URL(model.link.value || '.', document.baseURI).href);
  if (!shot || !caption) return null;
  const compare = model.compare.value;
  const other = compare && (await model.shots.value.other?.());
  const names = sideNames(model);
  const panel = document.querySelector('.panel')?.getBoundingClientRect();
  const left = panel && panel.width < innerWidth / 2 ? panel.right : 0;
  const cutAt =
    compare?.how === 'swipe' ? (document.querySelector('.divider')?.getBoundingClientRect() ?? null) : null;
  const beside: Beside | null = other
    ? {
        shot: other,
        cutAt: cutAt && cutAt.left + cutAt.width / 2,
        name: names.other,
        nameNow: names.now,
      }
    : null;
  return composePicture(shot, beside, caption, left, Math.max(devicePixelRatio, 2));
}

/** A name for files of this view. */
export function fileStem(model: Model): string {
  const parts = [model.region.value?.id, model.active.value?.id, model.sector.value, model.year.value];
  const compare = model.compare.value;
  return [...parts, ...(compare ? ['vs', compare.other] : [])].join('-');
}

function save(canvas: HTMLCanvasElement, name: string): Promise<boolean> {
  return new Promise((resolve) => {
    canvas.toBlob((blob) => {
      if (!blob) {
        resolve(false);
        return;
      }
      const link = document.createElement('a');
      link.href = URL.createObjectURL(blob);
      link.download = name;
      link.click();
      // Browsers read the blob after the click is over.
      setTimeout(() => {
        URL.revokeObjectURL(link.href);
      }, 10_000);
      resolve(true);
    }, 'image/png');
  });
}

export function TakePicture({ model }: { model: Model }) {
  const t = model.texts.value;
  const state = useSignal<'ready' | 'drawing' | 'failed'>('ready');
  const drawable = model.shots.value.first !== null && model.picture.value !== null && !model.covered.value;
  return (
    <p>
      <button
        type="button"
        class="primary"
        disabled={!drawable || state.value === 'drawing'}
        onClick={() => {
          state.value = 'drawing';
          void pictureOf(model)
            .then((canvas) => (canvas ? save(canvas, `${fileStem(model)}.png`) : false))
            .then((saved) => {
              state.value = saved ? 'ready' : 'failed';
            })
            // The code that draws could not be fetched, or the page is larger than the browser can draw.
            .catch(() => {
              state.value = 'failed';
            });
        }}
      >
        {state.value === 'drawing' ? t.take.drawing : t.take.savePicture}
      </button>{' '}
      <span role="status">
        {model.covered.value ? t.take.notOfScenario : state.value === 'failed' && t.take.noPicture}
      </span>
    </p>
  );
}
