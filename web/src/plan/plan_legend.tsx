/** What the colours of an answer stand for. */
import type { Model } from '../model';
import { ResultBadges } from '../scenario/result_badges';
import { titleOf } from '../scenario/words';
import { planPicture } from './plan_picture';
import { planOf } from './plan_session';
import { planned } from './plan_words';

export const PlanLegend = planned(function PlanLegend({ model }: { model: Model }) {
  const t = model.texts.value;
  const shown = planPicture(model);
  if (!shown) return null;
  return (
    <section class="legend" aria-label={t.legend} data-testid="legend">
      <header class="legend-head">
        <h2>{shown.title}</h2>
        <p>
          {shown.unit}
          {shown.unit !== '' && ' · '}
          <span translate={false}>{titleOf(shown.collection, model)}</span>
        </p>
        <ResultBadges model={model} region={planOf(model).told.value} assumed={shown.illustrative} />
      </header>
      <ul class="plan-classes">
        {shown.rows.map(({ colour, label, line }) => (
          <li key={label}>
            <span
              class={line ? 'swatch outlined' : 'swatch'}
              style={line ? {} : { backgroundColor: colour }}
              aria-hidden="true"
            />
            <span>{label}</span>
          </li>
        ))}
      </ul>
    </section>
  );
});
