/** Single keys for what is done often. They can be switched off, since speech input may press them by accident. */
import { gridsOf } from './areas';
import { loaded } from './loading';
import { DOUBTS } from './look';
import type { Model } from './model';
import { yearAfter } from './play';
import { SECTORS } from './sectors';
import { AUTO } from './state';

/** What a key does, by its name in the texts; the sheet lists them in this order. */
export const KEYS = [
  ['help', ['?']],
  ['sector', ['1', '2', '3', '4']],
  ['year', ['[', ']']],
  ['play', ['P']],
  ['unit', ['U']],
  ['area', ['<', '>']],
  ['doubt', ['D']],
  ['tall', ['C']],
  ['ground', ['L']],
  ['region', ['R']],
] as const;

/** Keys of the map itself and of open panels: they work in their place, whatever is switched off. */
export const FIXED_KEYS = [
  ['find', ['/']],
  ['move', ['←', '→', '↑', '↓']],
  ['zoom', ['+', '−']],
  ['open', ['Enter']],
  ['close', ['Esc']],
] as const;

function after<T>(words: readonly T[], word: T, step = 1): T {
  return words[(words.indexOf(word) + step + words.length) % words.length] ?? word;
}

function stepArea(model: Model, step: 1 | -1): void {
  const grids = gridsOf(loaded(model.collections.value) ?? []).map(({ id }) => id);
  const now = grids.indexOf(model.active.value?.id ?? '');
  const next = grids[now === -1 ? 0 : now + step];
  model.chooseArea(next ?? AUTO);
}

/** Do what a key stands for; false if it stands for nothing. */
export function press(model: Model, key: string): boolean {
  const view = model.view.value;
  const sector = SECTORS[Number(key) - 1];
  if (sector) {
    const there = sector === 'net' || (model.active.value?.sectors.includes(sector) ?? false);
    if (there) model.update({ sector });
    return there;
  }
  switch (key.toLowerCase()) {
    case '[':
    case ']': {
      model.playing.value = false;
      const years = model.region.value?.years ?? [];
      model.update({ year: yearAfter(years, model.year.value, key === ']' ? 1 : -1, false) });
      return true;
    }
    case 'p':
      model.playing.value = !model.playing.value;
      return true;
    case 'u':
      model.update({ unit: after(model.units.value, model.unit.value) });
      return true;
    case '<':
    case '>':
      stepArea(model, key === '>' ? 1 : -1);
      return true;
    case 'd':
      model.update({ doubt: after(DOUBTS, view.doubt) });
      return true;
    case 'c':
      model.update({ tall: !view.tall });
      return true;
    case 'l':
      model.update({ ground: model.ground.value === 'dark' ? 'light' : 'dark' });
      return true;
    case 'r':
      model.goal.value = model.region.value?.bbox ?? null;
      return true;
    default:
      return false;
  }
}

/** Whether a key press is meant for what has the focus: text, a list of choices, or a chord of the browser. */
export function isTyping(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const { target } = event;
  if (!(target instanceof HTMLElement)) return false;
  const field = target.closest('input, select, textarea, [contenteditable]');
  return (
    field !== null && !(field instanceof HTMLInputElement && /^(radio|checkbox|range)$/.test(field.type))
  );
}
