/** The assumptions by name: what makes a number illustrative, how large it was taken, by whom and why. */
import { useSignal } from '@preact/signals';
import type { TableKey } from './api';
import { useAsked } from './asked';
import { numbersIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { askAssumptions, partOfAssumption, type Assumption } from './questions';
import type { Part } from './sectors';

export function AssumptionRow({ model, assumption }: { model: Model; assumption: Assumption }) {
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const { id, value, low, high, unit, author, reason } = assumption;
  const range = low !== null && high !== null ? t.between(numbers.exact(low), numbers.exact(high)) : null;
  return (
    <li>
      <code>{id}</code>
      {value !== null && (
        <span>
          {numbers.exact(value)} {unit === '1' ? '' : unit} {range !== null && <small>({range})</small>}
        </span>
      )}
      <small>{[reason, author].filter((words) => words !== null).join(' · ')}</small>
    </li>
  );
}

export function Assumptions({
  model,
  itemKey,
  parts,
}: {
  model: Model;
  itemKey: TableKey;
  parts: readonly Part[];
}) {
  const t = model.texts.value;
  const open = useSignal(false);
  const { region, edition } = itemKey;
  const answer = useAsked(model, open.value ? JSON.stringify([region, edition]) : null, (signal) =>
    askAssumptions(model.api, itemKey, signal),
  );
  const meant = (loaded(answer) ?? []).filter((one) => {
    const part = partOfAssumption(one);
    return part === null || parts.includes(part);
  });
  return (
    <details
      class="assumptions"
      data-testid="assumptions"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>{t.card.whichAssumptions}</summary>
      {answer.state === 'loading' && <div class="skeleton line-skeleton" aria-hidden="true" />}
      {answer.state === 'failed' && <ProblemNote problem={answer.problem} t={t} missing={t.refused} />}
      <ul>
        {meant.map((assumption) => (
          <AssumptionRow key={assumption.id} model={model} assumption={assumption} />
        ))}
      </ul>
    </details>
  );
}
