/**
 * The result of one scenario, worked out anew whenever it changes. What was found last stays until the next is there; an
 * answer that nobody waits for any more is given up.
 */
import { batch, effect, signal, type ReadonlySignal } from '@preact/signals';
import type { Problem, Result } from '../api';
import { loaded } from '../loading';
import type { Model } from '../model';
import { dismissJob, followJob, retell, startJob, type Spoken } from '../jobs';
import { questionOf, type Scenario } from './document';
import {
  askPlaces,
  askPlacesOf,
  askSummary,
  decodeSummary,
  MOST_PLACES,
  type Asking,
  type Places,
  type Summary,
} from './questions';

export interface Run {
  /** Of the last scenario that could be worked out; null: none yet. */
  readonly summary: ReadonlySignal<Summary | null>;
  readonly places: ReadonlySignal<Places | null>;
  /** By which the server has the places of what was found last; samples change none of them. */
  readonly digest: ReadonlySignal<string | null>;
  /** Whether a newer result is on its way. */
  readonly running: ReadonlySignal<boolean>;
  /** How far a run is that takes longer than an answer may, 0 to 1; null: none is under way. */
  readonly progress: ReadonlySignal<number | null>;
  /** Why the scenario as it stands has no result. */
  readonly problem: ReadonlySignal<Problem | null>;
}

export interface Question {
  readonly asking: Asking;
  readonly scenario: Scenario;
  /** Whether it takes longer than an answer may, so that a job works on it. */
  readonly long: boolean;
}

/** How long a change waits for the next one, ms. */
const ASKED_AFTER_MS = 60;
/** How long it must rest before intervals are drawn, ms. */
const RESTED_MS = 500;
export const SAMPLES = 200;

/**
 * @param question null: nothing is asked
 * @param shown whether the map shows it, so that its places are wanted too
 */
export function createRun(
  model: Model,
  question: ReadonlySignal<Question | null>,
  shown: ReadonlySignal<boolean>,
): Run {
  const { api, connection } = model;
  const summary = signal<Summary | null>(null);
  const places = signal<Places | null>(null);
  const digest = signal<string | null>(null);
  const running = signal(false);
  const progress = signal<number | null>(null);
  const problem = signal<Problem | null>(null);
  /** The job that the summary is of; null: it was answered at once. */
  const spoken = signal<Spoken | null>(null);
  retell(api, model.lang, spoken, decodeSummary, (found) => {
    summary.value = found;
  });
  /** What the summary, its interval, and the places are of. */
  let summed = '';
  let sampled = '';
  let placed = '';
  let region = '';

  function told<T>(result: Result<T>): result is { readonly ok: true; readonly value: T } {
    connection.note(result);
    if (!result.ok) problem.value = result.problem;
    return result.ok;
  }

  effect(() => {
    const asked = question.value;
    const wanted = shown.value;
    void connection.attempt.value;
    if (!asked) {
      running.value = false;
      return;
    }
    const { asking, scenario, long } = asked;
    // What was wrong with another scenario says nothing of this one, whose answer may be there already.
    problem.value = null;
    // Notes come in the reader's language; a job is not worth asking again for them.
    const name = JSON.stringify([asking, questionOf(scenario), long ? null : model.lang.value]);
    // What another region came to says nothing of this one.
    if (region !== asking.region) {
      region = asking.region;
      summary.value = null;
      places.value = null;
      digest.value = null;
      spoken.value = null;
      [summed, sampled, placed] = ['', '', ''];
    }
    if (name === sampled && (!wanted || name === placed)) {
      running.value = false;
      return;
    }
    const controller = new AbortController();
    const cancel = controller.signal;
    const gone = () => cancel.aborted;
    const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

    async function follow(): Promise<void> {
      await rest(ASKED_AFTER_MS);
      if (gone()) return;
      if (name !== summed || (wanted && name !== placed)) {
        const zones = placesInstead(model);
        const [found, cells] = await Promise.all([
          askSummary(api, asking, scenario, 0, cancel),
          wanted ? askPlaces(api, asking, scenario, zones, cancel) : null,
        ]);
        if (gone()) return;
        running.value = false;
        if (!told(found) || (cells && !told(cells))) return;
        batch(() => {
          problem.value = null;
          spoken.value = null;
          summary.value = found.value;
          digest.value = found.value.digest;
          summed = name;
          if (!cells?.ok) return;
          places.value = cells.value;
          placed = name;
        });
      }
      running.value = false;
      if (scenario.measures.length === 0) return;
      await rest(RESTED_MS);
      if (gone()) return;
      const drawn = await askSummary(api, asking, scenario, SAMPLES, cancel);
      if (gone() || !told(drawn)) return;
      summary.value = drawn.value;
      sampled = name;
    }

    /** By a job, which is given up with the question. */
    async function followLong(): Promise<void> {
      await rest(RESTED_MS);
      if (gone()) return;
      const inputs = { scenario, year: asking.year, samples: SAMPLES };
      const started = await startJob(api, asking, 'scenario', inputs, cancel);
      if (gone() || !told(started)) {
        running.value = false;
        return;
      }
      const { id } = started.value;
      const giveUp = () => void dismissJob(api, asking.region, id);
      cancel.addEventListener('abort', giveUp);
      progress.value = 0;
      // Told right before the result is asked for.
      let language: string = model.lang.peek();
      const tell = (job: { readonly progress: number }) => {
        language = model.lang.peek();
        progress.value = job.progress / 100;
      };
      const found = await followJob(api, asking.region, id, decodeSummary, tell, cancel);
      cancel.removeEventListener('abort', giveUp);
      const cells =
        found.ok && wanted && !gone()
          ? await askPlacesOf(api, asking, found.value.digest, placesInstead(model), cancel)
          : null;
      if (gone()) return;
      running.value = false;
      progress.value = null;
      if (!told(found) || (cells && !told(cells))) return;
      batch(() => {
        problem.value = null;
        spoken.value = { region: asking.region, job: id, language };
        summary.value = found.value;
        digest.value = found.value.digest;
        [summed, sampled] = [name, name];
        if (!cells?.ok) return;
        places.value = cells.value;
        placed = name;
      });
    }

    running.value = true;
    void (long ? followLong() : follow());
    return () => {
      controller.abort();
      progress.value = null;
    };
  });

  return { summary, places, digest, running, progress, problem };
}

/** The zones that stand for cells too many to be told one by one; null: the cells themselves. */
function placesInstead(model: Model): string | null {
  const collections = loaded(model.collections.value) ?? [];
  const grids = collections.filter(({ kind }) => kind === 'grid');
  if (grids.some(({ count }) => count <= MOST_PLACES)) {
    // The server starts from the grid nearest to 500 m.
    const [nearest] = grids.toSorted(
      (a, b) => Math.abs((a.cellSizeM ?? 0) - 500) - Math.abs((b.cellSizeM ?? 0) - 500),
    );
    if (!nearest || nearest.count <= MOST_PLACES) return null;
  }
  const zones = collections.filter(({ kind, count }) => kind === 'zones' && count <= MOST_PLACES);
  return zones.toSorted((a, b) => b.count - a.count)[0]?.id ?? null;
}
