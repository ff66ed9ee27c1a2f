/** The assumptions by name: what makes a number illustrative, how large it was taken, by whom and why. */
import { useSignal } from '@preact/signals';
import type { Result, TableKey } from './api';
import { useAsked } from './asked';
import { numbersIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { askAssumptions, partOfAssumption, type Assumption } from './questions';
import { askReceipt, assumptionsOf } from './receipts';
import type { Part } from './sectors';

export function AssumptionRow({ model, assumption }: { model: Model; assumption: Assumption }) {
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const { id, values, low, high, unit, author, reason } = assumption;
  const range = low !== null && high !== null ? t.between(numbers.exact(low), numbers.exact(high)) : null;
  return (
    <li translate={false}>
      <code>{id}</code>
      {values.map(([name, value]) => (
        <span key={name}>
          {name} {numbers.exact(value)} {unit === '1' ? '' : unit}{' '}
          {range !== null && <small>({range})</small>}
        </span>
      ))}
      <small>{[reason, author].filter((words) => words !== null).join(' · ')}</small>
    </li>
  );
}

/** The assumptions of a place by its receipt; of an area, and where there are no receipts, those of the whole region. */
async function askMeant(
  model: Model,
  key: TableKey,
  id: string | null,
  parts: readonly Part[],
  signal: AbortSignal,
): Promise<Result<Assumption[]>> {
  if (id !== null) {
    const receipt = await askReceipt(model.api, key, id, signal);
    if (receipt.ok) return { ok: true, value: assumptionsOf(receipt.value, parts) };
    if (receipt.problem.kind !== 'refused') return receipt;
  }
  const known = await askAssumptions(model.api, key, signal);
  if (!known.ok) return known;
  const meant = known.value.filter((one) => {
    const part = partOfAssumption(one);
    return part === null || parts.includes(part);
  });
  return { ok: true, value: meant };
}

export function Assumptions(props: {
  model: Model;
  itemKey: TableKey;
  /** Null: an area, of which there is no receipt. */
  id: string | null;
  parts: readonly Part[];
}) {
  const { model, itemKey, id, parts } = props;
  const t = model.texts.value;
  const open = useSignal(false);
  const answer = useAsked(model, open.value ? JSON.stringify([itemKey, id, parts]) : null, (signal) =>
    askMeant(model, itemKey, id, parts, signal),
  );
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
        {(loaded(answer) ?? []).map((assumption) => (
          <AssumptionRow key={assumption.id} model={model} assumption={assumption} />
        ))}
      </ul>
    </details>
  );
}
