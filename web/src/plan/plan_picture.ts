/** What of an answer is drawn: places with a colour each, what the colours mean, and what is outlined. */
import type { Geometry } from 'geojson';
import { numbersIn } from '../format';
import { THEMES } from '../layers/themes';
import { UNKNOWN, ZERO, type Ground } from '../layers/theme';
import { lineLabel } from '../legend';
import type { Model } from '../model';
import { sampleRamp } from '../ramps';
import { buildScale, colourOf, legendLines } from '../scale';
import { knobsOf } from '../scenario/kinds';
import { amountWords, nameOfMeasure, textsOf } from '../scenario/words';
import type { Hot, HotCell } from './hot_question';
import type { Mix, MixPlace } from './mix_question';
import { planOf } from './plan_session';
import { planTextsOf } from './plan_words';

export interface Painted {
  readonly id: string;
  readonly geometry: Geometry;
  readonly colour: string;
}

export interface PlanPicture {
  readonly title: string;
  readonly unit: string;
  readonly illustrative: boolean;
  readonly collection: string;
  readonly places: readonly Painted[];
  readonly outlines: readonly { readonly id: string; readonly geometry: Geometry }[];
  readonly rows: readonly { readonly colour: string; readonly label: string; readonly line?: boolean }[];
}

/** Saved tonnes per hectare; null where nothing is. */
export function savedPerHa({ saved, areaHa }: MixPlace): number {
  return areaHa > 0 ? saved / areaHa : 0;
}

function rampsOf(ground: Ground) {
  const { removal, zero } = THEMES.net.ramps[ground];
  // What is saved has the colour of what is less, as a scenario's change has.
  return { emission: removal, removal, zero };
}

function savings(mix: Mix, model: Model, ground: Ground) {
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const values = mix.places.map(savedPerHa).sort((a, b) => a - b);
  const scale = buildScale(
    { count: values.length, nulls: 0, min: values[0] ?? null, max: values.at(-1) ?? null, quantiles: values },
    rampsOf(ground),
  );
  const colour = (place: MixPlace) =>
    scale ? colourOf(scale, savedPerHa(place), UNKNOWN[ground]) : UNKNOWN[ground];
  const rows = scale
    ? legendLines(scale).map((line) => ({ colour: line.colour, label: lineLabel(line, t, numbers) }))
    : [];
  return { colour, rows: rows.toReversed() };
}

function levels(mix: Mix, drawn: string, model: Model, ground: Ground) {
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  const taken = [...new Set(mix.places.flatMap(({ levels: of }) => of[drawn] ?? []))].sort((a, b) => a - b);
  const colours = sampleRamp(rampsOf(ground).emission, Math.max(taken.length, 1));
  const [knob] = knobsOf(mix.measures.find(({ id }) => id === drawn)?.kind ?? '');
  const told = (level: number) => (knob ? amountWords(knob, level, numbers) : numbers.amount(level));
  const colour = ({ levels: of }: MixPlace) => {
    const level = of[drawn];
    return level === undefined ? ZERO[ground] : (colours[taken.indexOf(level)] ?? UNKNOWN[ground]);
  };
  const rows = [
    { colour: ZERO[ground], label: p.mix.none },
    ...taken.map((level, index) => ({ colour: colours[index] ?? UNKNOWN[ground], label: told(level) })),
  ];
  return { colour, rows: rows.toReversed() };
}

function mixPicture(mix: Mix, model: Model, ground: Ground): PlanPicture {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const { drawn, chosen } = planOf(model);
  const measure = mix.measures.find(({ id }) => id === drawn.value);
  const { colour, rows } = measure ? levels(mix, measure.id, model, ground) : savings(mix, model, ground);
  return {
    title: measure ? p.mix.level(nameOfMeasure(measure, s)) : p.mix.savings,
    unit: measure ? '' : p.mix.savedPerHa,
    illustrative: mix.illustrative,
    collection: mix.collection,
    places: mix.places.map((one) => ({ id: one.id, geometry: one.geometry, colour: colour(one) })),
    outlines: mix.places.filter(({ id }) => id === chosen.value),
    rows,
  };
}

/** Colours of cells that stand out, alike strong on both grounds. */
const SPOTS: Readonly<Record<Ground, Readonly<Record<'hot' | 'cold' | 'none', string>>>> = {
  light: { hot: '#a8431c', cold: '#5fa3b5', none: '#b9a7d6' },
  dark: { hot: '#f0a04b', cold: '#2f8299', none: '#8d78b8' },
};

export function spotOf({ spot }: HotCell): 'hot' | 'cold' | 'none' {
  return spot === 'hot' || spot === 'cold' ? spot : 'none';
}

function hotPicture(hot: Hot, model: Model, ground: Ground): PlanPicture {
  const p = planTextsOf(model);
  const { chosen } = planOf(model);
  const colours = SPOTS[ground];
  const spots = (['hot', 'none', 'cold'] as const).filter((spot) =>
    hot.cells.some((one) => spotOf(one) === spot),
  );
  return {
    title: p.hot.legend,
    unit: String(hot.year),
    illustrative: false,
    collection: hot.of,
    places: hot.cells.map((one) => ({ id: one.id, geometry: one.geometry, colour: colours[spotOf(one)] })),
    outlines: [...hot.zones, ...hot.cells.filter(({ id }) => id === chosen.value)],
    rows: [
      ...spots.map((spot) => ({ colour: colours[spot], label: p.hot.spots[spot] })),
      ...(hot.zones.length > 0 ? [{ colour: 'currentcolor', label: p.hot.candidate, line: true }] : []),
    ],
  };
}

/**
 * Null: there is no answer yet; the map shows the edition's values.
 *
 * @param ground what it lies on: the screen's, or paper
 */
export function planPicture(model: Model, ground: Ground = model.ground.value): PlanPicture | null {
  const { mix, hot } = planOf(model);
  const { plan, scenarios } = model.view.value;
  if (scenarios === null || !plan) return null;
  if (plan.kind === 'mix') return mix.found.value && mixPicture(mix.found.value, model, ground);
  return hot.found.value && hotPicture(hot.found.value, model, ground);
}
