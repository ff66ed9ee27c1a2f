/** What is told of a place of an answer, at the pointer and in lists. */
import { nameOf, numbersIn } from '../format';
import type { Model } from '../model';
import { knobsOf } from '../scenario/kinds';
import { amountWords, nameOfMeasure, textsOf } from '../scenario/words';
import { spotOf } from './plan_picture';
import { planOf } from './plan_session';
import { planTextsOf } from './plan_words';

/** What is told of a place: its name, the headline, and lines below. */
export function wordsOf(id: string, model: Model): readonly [string, string, readonly string[]] | null {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const { mix, hot } = planOf(model);
  const told = (value: number | null) => (value === null ? t.unknown : numbers.amount(value));
  const share = (value: number | null) => (value === null ? t.unknown : numbers.percent(value));
  if (model.view.value.plan?.kind === 'mix') {
    const place = mix.found.value?.places.find((one) => one.id === id);
    if (!place) return null;
    const lines = Object.entries(place.levels).map(([measure, level]) => {
      const known = mix.found.value?.measures.find((one) => one.id === measure);
      const [knob] = knobsOf(known?.kind ?? '');
      return `${known ? nameOfMeasure(known, s) : measure}: ${knob ? amountWords(knob, level, numbers) : told(level)}`;
    });
    return [
      nameOf(place.properties, id, model.lang.value),
      `${p.mix.saved}: ${numbers.amount(place.saved)} ${t.units.t}`,
      place.unchanged ? [p.mix.unchanged] : lines,
    ];
  }
  const cell = hot.found.value?.cells.find((one) => one.id === id);
  if (!cell) return null;
  return [
    id,
    p.hot.spots[spotOf(cell)],
    [
      `${told(cell.intensity)} ${p.hot.intensity}`,
      `${p.hot.score}: ${told(cell.score)}`,
      `${p.hot.probability}: ${share(cell.probability)}`,
      `${p.hot.stability}: ${share(cell.stability)}`,
    ],
  ];
}
