/** What the colours of an answer stand for. */
import { Badge, Badges } from '../badges';
import { textIn } from '../format';
import { loaded } from '../loading';
import type { Model } from '../model';
import { textsOf } from '../scenario/words';
import { planPicture } from './plan_picture';
import { planned } from './plan_words';

export const PlanLegend = planned(function PlanLegend({ model }: { model: Model }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const shown = planPicture(model);
  if (!shown) return null;
  const collection = (loaded(model.collections.value) ?? []).find(({ id }) => id === shown.collection);
  return (
    <section class="legend" aria-label={t.legend} data-testid="legend">
      <header class="legend-head">
        <h2>{shown.title}</h2>
        <p>
          {shown.unit}
          {collection && shown.unit !== '' && ' · '}
          {collection && <span translate={false}>{textIn(collection.title, model.lang.value)}</span>}
        </p>
        <p class="badges">
          <Badges model={model} sector="net" />
          {shown.illustrative && (
            <Badge kind="illustrative" text={s.illustrative} title={s.illustrativeDetail} />
          )}
        </p>
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
