/** How a question stands, for who hears the page: the place is there before its words, so that they are spoken. */
import { numbersIn } from '../format';
import type { Model } from '../model';
import type { Hot } from './hot_question';
import type { Mix } from './mix_question';
import { planOf } from './plan_session';
import { planTextsOf } from './plan_words';

/** The server is asked many times a minute; what is said changes with each quarter of the way. */
export function quarter(progress: number): number {
  return Math.floor(Math.min(Math.max(progress, 0), 100) / 25) / 4;
}

export function hotFound(hot: Hot, model: Model): string {
  const p = planTextsOf(model);
  return hot.cells.length === 0 ? p.hot.nothing : p.hot.found(hot.zones.length, hot.counts.hot ?? 0);
}

function mixFound(mix: Mix, model: Model): string {
  const p = planTextsOf(model);
  const numbers = numbersIn(model.lang.value);
  const unit = model.texts.value.units.t;
  return `${p.mix.saved}: ${numbers.amount(mix.saved)} ${unit}, ${p.mix.cost(numbers.short(mix.cost), mix.currency)}`;
}

export function PlanStatus({ model }: { model: Model }) {
  const { mix, hot } = planOf(model);
  const kind = model.view.value.plan?.kind;
  const words = () => {
    const job = (kind === 'mix' ? mix : hot).job.value;
    if (job) return planTextsOf(model).working(numbersIn(model.lang.value).percent(quarter(job.progress)));
    if (kind === 'mix') return mix.found.value && mixFound(mix.found.value, model);
    return kind === 'where' ? hot.found.value && hotFound(hot.found.value, model) : null;
  };
  return (
    <p class="visually-hidden" role="status" data-testid="plan-status">
      {words()}
    </p>
  );
}
