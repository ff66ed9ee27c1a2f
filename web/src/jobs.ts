/** Questions that the server works on for a while, by OGC API Processes: started, followed, given up. */
import { batch, effect, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Api, Decode, Problem, Result } from './api';
import { number, fields, text, type Decoder } from './decode';
import { queryOf, type Wire } from './wire';

export interface Job {
  readonly id: string;
  /** accepted, running, successful, failed, dismissed. */
  readonly status: string;
  /** 0 to 100. */
  readonly progress: number;
}

type Execution = '/api/{region}/processes/{process}/execution';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 1500;
const AWAY_WAIT_MS = 3000;

const part = encodeURIComponent;
const addressOf = (region: string, job: string) => `${part(region)}/jobs/${part(job)}`;

const decodeJob: Decoder<Job> = (value, path) => {
  const given = fields<Wire['StatusInfo']>(value, path);
  return {
    id: given('jobID', text),
    status: given('status', text),
    progress: given('progress', number),
  };
};

/** Ask a process for a job. */
export function startJob(
  api: Api,
  { region, edition }: { readonly region: string; readonly edition: string },
  process: string,
  inputs: object,
  signal: AbortSignal,
): Promise<Result<Job>> {
  const query = queryOf<Execution>({ edition });
  return api.ask(`${part(region)}/processes/${part(process)}/execution?${query}`, decodeJob, signal, {
    body: JSON.stringify({ inputs }),
    later: true,
  });
}

/** Stop a job; one that has ended is forgotten. */
export function dismissJob(api: Api, region: string, job: string): Promise<Result<Job>> {
  return api.ask(addressOf(region, job), decodeJob, new AbortController().signal, { method: 'DELETE' });
}

/** What came of a job that has ended; notes in it are told in the language that the client speaks now. */
function askResults<T>(
  api: Api,
  region: string,
  job: string,
  decode: Decode<T>,
  signal: AbortSignal,
): Promise<Result<T>> {
  return api.ask(`${addressOf(region, job)}/results`, decode, signal);
}

/** A job whose result is shown. */
export interface Spoken {
  readonly region: string;
  readonly job: string;
  /** Of its notes. */
  readonly language: string;
}

/**
 * Have a result told again, not worked out again, when the reader's language is another one than that of its notes; where
 * the server has forgotten it, it stays as it was told.
 *
 * @param spoken null: no job's result is shown
 * @param take is given the same result in the reader's words
 */
export function retell<T>(
  api: Api,
  language: ReadonlySignal<string>,
  spoken: Signal<Spoken | null>,
  decode: Decode<T>,
  take: (found: T) => void,
): void {
  effect(() => {
    const wanted = language.value;
    const shown = spoken.value;
    if (!shown || shown.language === wanted) return;
    const controller = new AbortController();
    void askResults(api, shown.region, shown.job, decode, controller.signal).then((result) => {
      if (controller.signal.aborted || !result.ok) return;
      batch(() => {
        spoken.value = { ...shown, language: wanted };
        take(result.value);
      });
    });
    return () => {
      controller.abort();
    };
  });
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

/**
 * Look at a job until it has ended. While nobody answers it is asked again: the job goes on by itself.
 *
 * @param tell is told how it stands each time
 * @returns what came of it, or why nothing did; `aborted` once the signal says so
 */
export async function followJob<T>(
  api: Api,
  region: string,
  job: string,
  decode: Decode<T>,
  tell: (job: Job) => void,
  signal: AbortSignal,
): Promise<Result<T>> {
  const given: Problem = { kind: 'aborted', status: null, detail: '' };
  for (let wait = FIRST_WAIT_MS; !signal.aborted; wait = Math.min(wait * 1.3, LONGEST_WAIT_MS)) {
    const found = await api.ask(addressOf(region, job), decodeJob, signal);
    if (found.ok) {
      tell(found.value);
      // Of one that failed or was dismissed the results say why there are none.
      if (!['accepted', 'running'].includes(found.value.status)) {
        const results = await askResults(api, region, job, decode, signal);
        if (results.ok || results.problem.kind !== 'away') return results;
        await rest(AWAY_WAIT_MS, signal);
        continue;
      }
    } else if (found.problem.kind !== 'away') return found;
    await rest(found.ok ? wait : AWAY_WAIT_MS, signal);
  }
  return { ok: false, problem: given };
}
