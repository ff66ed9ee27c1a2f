/** The cards by which measures are added, and what some of them ask on the map first. */
import { useSignal } from '@preact/signals';
import type { Model } from '../model';
import { Beginning } from './beginning';
import type { Scenario } from './document';
import { GROUPS, kindOf, needOf, type Card } from './kinds';
import type { Catalogue } from './questions';
import type { Session } from './session';
import { textsOf } from './words';
import { Where } from './where';

/** Groups that are of no one sector have the colour of another. */
const DOTS: Readonly<Record<string, string>> = { form: 'net', roads: 'transport' };

/** @param add is given what was drawn or picked for the measure, by its field */
export function AddMeasure(props: {
  model: Model;
  session: Session;
  scenario: Scenario;
  catalogue: Catalogue;
  add: (card: Card, told: Readonly<Record<string, unknown>>) => void;
}) {
  const { model, session, scenario, catalogue, add } = props;
  const s = textsOf(model);
  /** The card that waits for something on the map. */
  const beginning = useSignal<Card | null>(null);
  const somewhere = session.area.value !== null;
  const onMap = (card: Card) => {
    const need = needOf(card);
    return need === 'line' || need === 'stops' || (need === 'roads' && !somewhere);
  };
  if (scenario.measures.length >= catalogue.most) return <p class="fine">{s.full(catalogue.most)}</p>;
  return (
    <section>
      <h3>{s.add}</h3>
      <Where
        model={model}
        id="where-next"
        label={s.nextWhere}
        place={session.area.value}
        choose={(place) => {
          session.area.value = place;
        }}
      />
      {Object.entries(GROUPS).map(([group, cards]) => {
        const name = s.groups[group as keyof typeof GROUPS];
        const offered: readonly Card[] = cards.filter((card) => catalogue.kinds[kindOf(card)]);
        const waiting = offered.find((card) => card === beginning.value);
        return offered.length === 0 ? null : (
          <div key={group} class="measure-group" role="group" aria-label={name}>
            <h4>
              <i class={`dot dot-${DOTS[group] ?? group}`} aria-hidden="true" /> {name}
            </h4>
            {group === 'roads' && <p class="fine">{s.roadsHelp}</p>}
            <div class="measure-cards">
              {offered.map((card) => (
                <button
                  key={card}
                  type="button"
                  data-kind={card}
                  aria-expanded={onMap(card) ? beginning.value === card : undefined}
                  disabled={
                    (needOf(card) === 'area' && !somewhere) ||
                    (onMap(card) && model.mapState.value !== 'ready')
                  }
                  onClick={() => {
                    if (onMap(card)) beginning.value = beginning.value === card ? null : card;
                    else add(card, {});
                  }}
                >
                  <strong>{s.kinds[card]}</strong>
                  <small>{s.abouts[card]}</small>
                </button>
              ))}
            </div>
            {waiting && (
              <Beginning
                key={waiting}
                model={model}
                session={session}
                scenario={scenario}
                card={waiting}
                begin={(told) => {
                  beginning.value = null;
                  add(waiting, told);
                }}
                giveUp={() => {
                  beginning.value = null;
                  document.querySelector<HTMLElement>(`[data-kind="${waiting}"]`)?.focus();
                }}
              />
            )}
          </div>
        );
      })}
    </section>
  );
}
