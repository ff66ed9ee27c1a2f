/** A planner's question within the scenario panel: the best mix, or where to act; and the way back. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { loaded } from '../loading';
import type { Model } from '../model';
import { useOpened } from '../opened';
import type { Scenario } from '../scenario/document';
import { sessionOf } from '../scenario/session';
import { nameOfScenario, textsOf } from '../scenario/words';
import type { Plan } from '../state';
import { HotBody } from './hot_panel';
import type { HotZone } from './hot_question';
import { MixAnswer } from './mix_answer';
import { MixQuestion } from './mix_form';
import { planOf } from './plan_session';
import { planned, planTextsOf } from './plan_words';
import './plan.css';

export const PlanPanel = planned(function PlanPanel({ model, plan }: { model: Model; plan: Plan }) {
  const s = textsOf(model);
  const p = planTextsOf(model);
  const session = sessionOf(model);
  const { mix, hot, chosen, drawn } = planOf(model);
  const heading = useRef<HTMLHeadingElement>(null);
  const catalogue = loaded(session.catalogue.value);
  const found = mix.found.value;
  useLayoutEffect(() => {
    heading.current?.focus({ preventScroll: true });
    return () => {
      chosen.value = null;
      drawn.value = null;
    };
  }, [plan.kind, chosen, drawn]);
  // Who waited for an answer reads it from its beginning.
  const answer = plan.kind === 'mix' ? found : hot.found.value;
  const body = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!answer) return;
    body.current?.scrollTo(0, 0);
    const active = document.activeElement;
    const within = active !== null && (body.current?.contains(active) ?? false);
    // The question folds up once it has its answer, with the button that was pressed.
    if (active === document.body || (within && active.closest('.ask, .asked') !== null))
      heading.current?.focus({ preventScroll: true });
  }, [answer]);
  const leave = useOpened(
    'plan',
    body,
    () => {
      model.endSketch();
      model.update({ plan: null });
    },
    '#scenario-title',
  );
  const open = (scenario: Scenario) => {
    session.open({ ...scenario, name: p.mix.title });
    leave();
  };
  const act = ({ members }: HotZone) => {
    const of = planOf(model).hot.found.peek()?.of;
    if (of !== undefined) session.area.value = { kind: 'items', collection: of, ids: members };
    leave();
  };
  return (
    <div class="card-body plan-body" data-testid="plan" ref={body}>
      <div>
        <button type="button" class="link" onClick={leave}>
          ← {p.back(nameOfScenario(session.scenario.value, session.at.value, s))}
        </button>
        <h3 class="plan-title" tabIndex={-1} ref={heading}>
          {p[plan.kind === 'mix' ? 'mix' : 'hot'].title}
        </h3>
        <p class="fine">{p[plan.kind === 'mix' ? 'mix' : 'hot'].intro}</p>
      </div>
      {plan.kind === 'where' && <HotBody model={model} act={act} />}
      {plan.kind === 'mix' && catalogue && (
        <>
          {found && <MixAnswer model={model} mix={found} open={open} />}
          <details class="asked" open={!found}>
            <summary hidden={!found}>{p.mix.find}</summary>
            <div class="measure-details">
              <MixQuestion model={model} catalogue={catalogue} />
            </div>
          </details>
        </>
      )}
    </div>
  );
});
