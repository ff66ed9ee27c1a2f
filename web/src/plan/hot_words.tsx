/** What the panel and the printed report say alike of where to act. */
import { numbersIn } from '../format';
import type { Model } from '../model';
import { Assumed, ResultBadges } from '../scenario/result_badges';
import type { Hot, HotZone } from './hot_question';
import { planOf } from './plan_session';
import { hotFound } from './plan_status';
import { planTextsOf } from './plan_words';

/** How much was found, and what kind of numbers it rests on. */
export function HotHead({ model, hot }: { model: Model; hot: Hot }) {
  return (
    <>
      <p class="hot-found">{hotFound(hot, model)}</p>
      <ResultBadges model={model} region={planOf(model).told.value} assumed={false} />
      {hot.savingsIllustrative && (
        <p class="badges" data-testid="savings-illustrative">
          <span class="fine">{planTextsOf(model).hot.savings}</span>
          <Assumed model={model} />
        </p>
      )}
    </>
  );
}

/** How alike it is by other bands and in other years. */
export function steadiness(hot: Hot, model: Model): string {
  const p = planTextsOf(model).hot;
  const numbers = numbersIn(model.lang.value);
  const told = (words: (share: string) => string, of: readonly number[], share: number | null) =>
    of.length > 1 && share !== null ? [words(numbers.percent(share))] : [];
  return [
    ...told(p.steady, hot.bands, hot.bandAgreement),
    ...told(p.steadyYears, hot.years, hot.yearAgreement),
  ].join(' ');
}

/** What is told of a candidate zone, what it emits first. */
export function factsOf(zone: HotZone, model: Model): readonly (readonly [name: string, told: string])[] {
  const p = planTextsOf(model).hot;
  const { unknown } = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const amount = (value: number | null) => (value === null ? unknown : numbers.amount(value));
  const share = (value: number | null) => (value === null ? unknown : numbers.percent(value));
  return [
    [p.emissions, amount(zone.emissions)],
    [p.savings, amount(zone.savings)],
    [p.hotShare, share(zone.hotShare)],
    [p.caught, share(zone.caught)],
    [p.probability, share(zone.probability)],
  ];
}
