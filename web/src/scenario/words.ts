/** Names of measures and places in the reader's language. */
import { h, type ComponentType } from 'preact';
import { textIn, type Numbers } from '../format';
import { loaded } from '../loading';
import type { Model } from '../model';
import type { Measured } from '../state';
import { scenarioTexts, type ScenarioTexts } from '../texts/scenario';
import type { Measure, Scenario } from './document';
import { FORMS, isKind, type Knob } from './kinds';

/** A document's own name, else the letter of its tab. */
export function nameOfScenario(scenario: Scenario | null, index: number, s: ScenarioTexts): string {
  const name = scenario?.name?.trim() ?? '';
  return name === '' ? s.unnamed(letterOf(index)) : name;
}

export function letterOf(index: number): string {
  return 'ABC'.charAt(index);
}

export function nameOfMeasure({ kind, form }: Measure, s: ScenarioTexts): string {
  if (!isKind(kind)) return kind.replaceAll('_', ' ');
  const known = FORMS.find((one) => one === form);
  return kind === 'growth' && known ? `${s.kinds.growth}: ${s.forms[known]}` : s.kinds[kind];
}

export function nameOfPlace(place: Measured | null, model: Model, s: ScenarioTexts): string {
  if (place === null) return s.everywhere;
  if (place.kind === 'outline') return s.drawn;
  const found = (loaded(model.collections.value) ?? []).find(({ id }) => id === place.collection);
  const title = found ? textIn(found.title, model.lang.value) : place.collection;
  return `${title}: ${s.zones(place.ids.length)}`;
}

export function amountWords(knob: Knob, value: number, numbers: Numbers): string {
  if (knob.as === 'share') return numbers.percent(value);
  return knob.as === 'signed' ? numbers.signedPercent(value) : numbers.count(value);
}

/** The texts of the reader's language; for what is shown only once they are there (`spoken`). */
export function textsOf(model: Model): ScenarioTexts {
  const texts = scenarioTexts.in(model.lang.value);
  if (!texts) throw new Error('texts are read before they are there');
  return texts;
}

/** A component that waits for the texts of the reader's language. */
export function spoken<P extends { readonly model: Model }>(Spoken: ComponentType<P>): ComponentType<P> {
  return (props: P) => (scenarioTexts.in(props.model.lang.value) ? h(Spoken, props) : null);
}
