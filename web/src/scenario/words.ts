/** Names of measures and places in the reader's language. */
import { h, type ComponentType } from 'preact';
import { textIn, type Numbers } from '../format';
import { loaded } from '../loading';
import type { Model } from '../model';
import type { Measured } from '../state';
import { scenarioTexts, type ScenarioTexts } from '../texts/scenario';
import { namedRoads, placeOf, placesIn, type Measure, type Scenario } from './document';
import { cardOf, FORMS, type Knob } from './kinds';

/** A document's own name, else the letter of its tab. */
export function nameOfScenario(scenario: Scenario | null, index: number, s: ScenarioTexts): string {
  const name = scenario?.name?.trim() ?? '';
  return name === '' ? s.unnamed(letterOf(index)) : name;
}

export function letterOf(index: number): string {
  return 'ABC'.charAt(index);
}

export function nameOfMeasure(
  measure: { readonly id: string; readonly kind: string; readonly form?: unknown },
  s: ScenarioTexts,
): string {
  const card = cardOf(measure);
  if (card === null) return measure.kind.replaceAll('_', ' ');
  const form = FORMS.find((one) => one === measure.form);
  return card === 'growth' && form ? `${s.kinds.growth}: ${s.forms[form]}` : s.kinds[card];
}

/** Where a measure acts: its roads, its line or its stops, else its area. */
export function placeWords(measure: Measure, model: Model, s: ScenarioTexts): string {
  const roads = namedRoads(measure).length;
  if (roads > 0) return s.namedRoads(roads);
  if (placesIn(measure.line).length > 0) return s.drawnLine;
  const stops = placesIn(measure.stops).length;
  return stops > 0 ? s.drawnStops(stops) : nameOfPlace(placeOf(measure), model, s);
}

/** What a collection is called; its id while that is not known. */
export function titleOf(collection: string, model: Model): string {
  const found = (loaded(model.collections.value) ?? []).find(({ id }) => id === collection);
  return found ? textIn(found.title, model.lang.value) : collection;
}

export function nameOfPlace(place: Measured | null, model: Model, s: ScenarioTexts): string {
  if (place === null) return s.everywhere;
  if (place.kind === 'outline') return s.drawn;
  return s.zones(titleOf(place.collection, model), place.ids.length);
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
