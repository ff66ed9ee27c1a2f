/** What both questions have in common: the button that asks, how far the server is, and what leaves the page. */
import { numbersIn } from '../format';
import type { Model } from '../model';
import { ProblemNote } from '../notices';
import { textsOf } from '../scenario/words';
import { planOf, type Work } from './plan_session';
import { planTextsOf } from './plan_words';

/**
 * @param waits what is still to be said before it can be asked; null: nothing
 * @param ask is called by the button
 */
export function AskButton<T>(props: {
  model: Model;
  work: Work<T>;
  label: string;
  waits: string | null;
  ask: () => void;
}) {
  const { model, work, label, waits, ask } = props;
  const p = planTextsOf(model);
  const t = model.texts.value;
  const job = work.job.value;
  const problem = work.problem.value;
  return (
    <div class="ask">
      <div class="buttons">
        <button type="button" class="primary" disabled={waits !== null || job !== null} onClick={ask}>
          {label}
        </button>
        {job && (
          <button
            type="button"
            disabled={job.id === ''}
            onClick={() => {
              work.stop();
            }}
          >
            {p.stop}
          </button>
        )}
      </div>
      {waits !== null && <p class="fine">{waits}</p>}
      {job && (
        <div data-testid="job">
          <progress max={100} value={job.progress} aria-label={label} />
          <p class="fine">{p.working(numbersIn(model.lang.value).percent(job.progress / 100))}</p>
        </div>
      )}
      {problem && (
        <div data-testid="plan-problem">
          <ProblemNote problem={problem} t={{ ...t, refused: p.failed }} missing={p.missing} />
        </div>
      )}
    </div>
  );
}

/** Says so where the answer is not of what the map shows. */
export function OtherEdition({ model }: { model: Model }) {
  const of = planOf(model).answered.value;
  if (!of || (of.edition === model.region.value?.edition && of.year === model.year.value)) return null;
  return (
    <p class="note" data-testid="answer-elsewhere">
      {planTextsOf(model).otherEdition(of.edition, of.year)}
    </p>
  );
}

/** What to know of the numbers, in the server's words, which are in the reader's language. */
export function Notes({ heading, notes }: { heading: string; notes: readonly string[] }) {
  return (
    <details class="assumptions">
      <summary>{heading}</summary>
      <ul translate={false}>
        {notes.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </details>
  );
}

/** The answer as a page to print. */
export function ReportButton({ model }: { model: Model }) {
  return (
    <button
      type="button"
      onClick={() => {
        model.update({ page: 'report' });
      }}
    >
      {textsOf(model).report}
    </button>
  );
}
