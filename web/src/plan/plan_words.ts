/** The planner's questions in the reader's language. */
import { h, type ComponentType } from 'preact';
import { nameOf } from '../format';
import type { Model } from '../model';
import { spoken } from '../scenario/words';
import { planTexts, type PlanTexts } from '../texts/plan';
import type { HotZone } from './hot_question';

/** For what is shown only once they are there (`planned`). */
export function planTextsOf(model: Model): PlanTexts {
  const texts = planTexts.in(model.lang.value);
  if (!texts) throw new Error('texts are read before they are there');
  return texts;
}

/** A component that waits for the texts of the reader's language, the scenario panel's among them. */
export function planned<P extends { readonly model: Model }>(Planned: ComponentType<P>): ComponentType<P> {
  return spoken((props: P) => (planTexts.in(props.model.lang.value) ? h(Planned, props) : null));
}

/** Names of the zones that a candidate is made of. */
export function nameOfZone({ members, names }: HotZone, model: Model): string {
  return members.map((id, index) => nameOf(names[index] ?? {}, id, model.lang.value)).join(', ');
}
