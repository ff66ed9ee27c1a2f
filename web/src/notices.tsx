/** What the page says when something is not there: the server, the graphics, a region, an answer. */
import { useEffect } from 'preact/hooks';
import type { Problem } from './api';
import { missed, MISSED_OFTEN } from './lazily';
import type { Model } from './model';
import { loaded } from './loading';
import { textIn } from './format';
import type { Texts } from './texts/texts';

/** What the status of a refusal means; null: the server's own words have to do. */
function refusalOf({ status }: Problem, t: Texts): string | null {
  const known: Readonly<Record<number, string>> = t.refusals;
  return status === null ? null : (known[status] ?? null);
}

/** A problem in the reader's words, with the server's own as detail. */
export function ProblemNote({ problem, t, missing }: { problem: Problem; t: Texts; missing?: string }) {
  if (problem.kind === 'away' || problem.kind === 'aborted') return <p class="note">{t.away}</p>;
  const malformed = problem.kind === 'malformed';
  const title = malformed
    ? t.malformed
    : problem.status === 404 && missing !== undefined
      ? missing
      : t.refused;
  // A title that says what is missing says all that the status could.
  const named = title === missing;
  const told = malformed ? t.malformedDetail : named ? null : refusalOf(problem, t);
  return (
    <div class="note" role="alert">
      <strong>{title}</strong>
      {told !== null && <p>{told}</p>}
      <p class={told === null && !named ? undefined : 'fine'} lang="en" translate={false}>
        {problem.detail}
      </p>
    </div>
  );
}

/** A cloud struck through: nobody answers. A letter i: something to know. */
const SIGNS = {
  away: 'M4 4l16 16M8 9a4.8 4.8 0 0 0-.8 9.5H17M11 6.2a5.6 5.6 0 0 1 6.6 4.6 3.9 3.9 0 0 1 2.6 5.6',
  know: 'M12 11.2v5M12 7.8v.1M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
} as const;

function Sign({ of }: { of: keyof typeof SIGNS }) {
  return (
    <svg class="sign" viewBox="0 0 24 24" aria-hidden="true">
      <path d={SIGNS[of]} />
    </svg>
  );
}

function Away({ model }: { model: Model }) {
  const t = model.texts.value;
  return (
    <div class="notice" role="alert" data-testid="away">
      <Sign of="away" />
      <div>
        <strong>{t.away}</strong>
        <p>{t.awayDetail}</p>
      </div>
      <button
        type="button"
        onClick={() => {
          model.connection.retry();
        }}
      >
        {t.retry}
      </button>
    </div>
  );
}

/** Whether a panel's code does not come though the server is there: after an upgrade its files have other names. */
function useIsOld(model: Model): boolean {
  const times = missed.value;
  useEffect(() => {
    if (times > 0) model.connection.suspect();
  }, [model, times]);
  return times >= MISSED_OFTEN && !model.connection.away.value;
}

/** Which edition is shown, where that is not the one published now; and the way to that one. */
export function EditionNotice({ model }: { model: Model }) {
  const t = model.texts.value;
  const { old, gone } = model.pinned;
  const [name, words, button] =
    gone.value !== null
      ? (['gone', t.editionGone(gone.value.slice(0, 8)), t.close] as const)
      : old.value
        ? (['kept', t.editionKept((model.view.value.edition ?? '').slice(0, 8)), t.showPublished] as const)
        : (['newer', t.newer, t.showNewer] as const);
  if (name === 'newer' && model.newEdition.value === null) return null;
  return (
    <div class="notice hint" role="status" data-testid={name}>
      <span>{words}</span>
      <button
        type="button"
        onClick={() => {
          // Who closes what is said of an edition that is gone goes on with what the page shows already.
          if (name === 'gone') model.update({ edition: null });
          else model.showPublished();
        }}
      >
        {button}
      </button>
    </div>
  );
}

export function Notices({ model }: { model: Model }) {
  const t = model.texts.value;
  const regions = model.regions.value;
  const failures = [
    regions,
    ...(model.pinned.gone.value === null ? [model.pinned.state.value] : []),
    model.collections.value,
    model.distribution.value,
    model.differenceSpread.value,
    model.otherDistribution.value,
  ].flatMap((entry) => (entry.state === 'failed' && entry.problem.kind !== 'away' ? [entry.problem] : []));
  const active = model.active.value;
  const old = useIsOld(model);
  return (
    <div class="notices">
      {model.connection.away.value && <Away model={model} />}
      {old && (
        <div class="notice" role="alert" data-testid="old">
          <Sign of="know" />
          <div>
            <p>{t.malformedDetail}</p>
          </div>
          <button
            type="button"
            onClick={() => {
              location.reload();
            }}
          >
            {t.retry}
          </button>
        </div>
      )}
      {failures[0] && (
        <div class="notice">
          <Sign of="know" />
          <ProblemNote problem={failures[0]} t={t} />
        </div>
      )}
      {loaded(regions)?.length === 0 && (
        <div class="notice" role="status">
          <Sign of="know" />
          <div>
            <strong>{t.noRegions}</strong>
            <p>{t.noRegionsDetail}</p>
          </div>
        </div>
      )}
      {model.mapState.value === 'no-webgl' && (
        <div class="notice" role="alert" data-testid="no-webgl">
          <Sign of="know" />
          <div>
            <strong>{t.noWebgl}</strong>
            <p>
              {t.noWebglDetail}{' '}
              <a href="api/regions" translate={false}>
                api/regions
              </a>
            </p>
          </div>
        </div>
      )}
      <EditionNotice model={model} />
      {!model.inView.value.places && model.region.value && model.mapState.value === 'ready' && (
        <div class="notice hint" role="status" data-testid="outside">
          <span>{t.explore.outside(textIn(model.region.value.name, model.lang.value))}</span>
          <button
            type="button"
            onClick={() => {
              model.goal.value = model.region.value?.bbox ?? null;
            }}
          >
            {t.wholeRegion}
          </button>
        </div>
      )}
      {model.tooFar.value && active && model.mapState.value === 'ready' && (
        <p class="notice hint" role="status">
          {t.tooFar(textIn(active.title, model.lang.value))}
        </p>
      )}
    </div>
  );
}
