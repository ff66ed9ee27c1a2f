/** The button that saves the view as a PNG, with what stands around the map. */
import { useSignal } from '@preact/signals';
import { sideNames } from './compare_names';
import { numbersIn, textIn } from './format';
import { classLabel } from './legend';
import { UNKNOWN } from './layers/theme';
import type { Model } from './model';
import { attributionIn } from './panel';
import { shownTitle } from './part_choice';
import { isIllustrative } from './badges';
import { composePicture, type Beside, type Caption, type LegendEntry } from './view_picture';

/** What is said around the map, all in the reader's language. */
export function captionOf(model: Model, today: Date, address: string): Caption | null {
  const t = model.texts.value;
  const lang = model.lang.value;
  const region = model.region.value;
  const compare = model.compare.value;
  const differing = compare?.how === 'difference';
  const scale = differing ? model.differenceScale.value : model.scale.value;
  if (!region || !scale) return null;
  const numbers = numbersIn(lang);
  const sector = model.sector.value;
  const names = sideNames(model);
  const year = model.year.value ?? 0;
  const collection = model.active.value;
  const legend: LegendEntry[] = scale.classes.map((entry) => ({
    colour: entry.colour,
    label: classLabel(entry, t, numbers),
  }));
  if (scale.zero !== null) legend.push({ colour: scale.zero, label: t.zero });
  legend.push({ colour: UNKNOWN[model.ground.value], label: t.unknown });
  const when = differing
    ? t.compare.differenceOf(names.now, names.other)
    : compare?.by === 'year'
      ? t.compare.sides(names.other, names.now)
      : t.perYear(year);
  return {
    title: `${textIn(region.name, lang)} · ${shownTitle(sector, model.part.value, t)}`,
    subtitle: [t.units[model.unit.value], when, collection ? textIn(collection.title, lang) : '']
      .filter((words) => words !== '')
      .join(' · '),
    marks: [
      ...(region.synthetic ? [`${t.synthetic}: ${t.syntheticDetail}`] : []),
      ...(isIllustrative(region, sector) ? [`${t.illustrative}: ${t.illustrativeHere}`] : []),
    ],
    legendTitle: `${t.legend} · ${t.units[model.unit.value]}`,
    legend,
    lines: [
      region.attributions
        .map((one) =>
          [attributionIn(one, lang), one.licence && t.licence(one.licence)].filter(Boolean).join(' '),
        )
        .join('; '),
      `${t.edition} ${region.edition} · ${t.take.drawnOn(today.toISOString().slice(0, 10))}`,
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
  const drawable = model.shots.value.first !== null && model.picture.value !== null;
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
            });
        }}
      >
        {state.value === 'drawing' ? t.take.drawing : t.take.savePicture}
      </button>{' '}
      <span role="status">{state.value === 'failed' && t.take.noPicture}</span>
    </p>
  );
}
