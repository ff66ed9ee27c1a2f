/** The planner's two questions: what is asked, how far the server is, and what it found. The address leads. */
import {
  batch,
  computed,
  effect,
  signal,
  untracked,
  type ReadonlySignal,
  type Signal,
} from '@preact/signals';
import type { Decode, Problem, Region } from '../api';
import { dismissJob, followJob, retell, startJob, type Job, type Spoken } from '../jobs';
import type { Loadable } from '../loading';
import type { Model } from '../model';
import { regionTold } from '../region_told';
import type { PlanKind } from '../state';
import { decodeHot, freshHotForm, type Hot, type HotForm } from './hot_question';
import { decodeMix, freshMixForm, type Mix, type MixForm } from './mix_question';

/** A question that a job answers. */
export interface Work<T> {
  /** How the job stands; null: none is under way. */
  readonly job: ReadonlySignal<Job | null>;
  /** What was found last; it stays until the next is there. */
  readonly found: ReadonlySignal<T | null>;
  /** Why the last question has no answer. */
  readonly problem: ReadonlySignal<Problem | null>;
  ask(inputs: object): void;
  stop(): void;
}

/** What an answer is of, which stays when the page shows another edition or year. */
export interface Answered {
  readonly edition: string;
  readonly year: number;
}

export interface PlanSession {
  readonly mixForm: Signal<MixForm>;
  readonly hotForm: Signal<HotForm>;
  readonly mix: Work<Mix>;
  readonly hot: Work<Hot>;
  /** Of the answer in sight; null: there is none. */
  readonly answered: ReadonlySignal<Answered | null>;
  /** The region as that edition tells of it. */
  readonly told: ReadonlySignal<Loadable<Region>>;
  /** Of the mix, a measure whose levels are drawn; null: what is saved. */
  readonly drawn: Signal<string | null>;
  /** A place that was chosen, on the map or in a list. */
  readonly chosen: Signal<string | null>;
  /** What the pointer is on. */
  readonly pointed: Signal<{ readonly x: number; readonly y: number; readonly id: string } | null>;
}

const PROCESSES: Readonly<Record<PlanKind, string>> = { mix: 'best-mix', where: 'where-to-act' };

/** Do something whenever another region takes the place of one. */
function onOtherRegion(model: Model, then: () => void): void {
  const region = computed(() => model.region.value?.id);
  let last: string | undefined;
  effect(() => {
    const now = region.value;
    if (now === undefined || now === last) return;
    if (last !== undefined)
      untracked(() => {
        batch(then);
      });
    last = now;
  });
}

function createWork<T>(model: Model, kind: PlanKind, decode: Decode<T>): Work<T> {
  const { api, connection } = model;
  const job = signal<Job | null>(null);
  const found = signal<T | null>(null);
  const problem = signal<Problem | null>(null);
  const spoken = signal<Spoken | null>(null);
  retell(api, model.lang, spoken, decode, (again) => {
    found.value = again;
  });
  /** The job whose result is known. */
  let known = '';
  /** The job that was asked or answered last: it is followed whatever is open, and is there again when that opens. */
  const latest = signal<{ readonly of: string; readonly id: string } | null>(null);
  /** Counts the questions, so that an answer to one that nobody waits for any more is known. */
  let question = 0;

  // By its name: the address changes with every move of the map.
  const wanted = computed(() => {
    const { scenarios, plan } = model.view.value;
    const region = model.region.value?.id;
    if (region === undefined) return '';
    const named = scenarios !== null && plan?.kind === kind ? plan.job : null;
    if (named !== null) return `${region}/${named}`;
    return latest.value?.of === region ? `${region}/${latest.value.id}` : '';
  });
  // What was found of one region says nothing of another.
  const region = computed(() => model.region.value?.id);
  onOtherRegion(model, () => {
    question += 1;
    found.value = null;
    spoken.value = null;
    problem.value = null;
    job.value = null;
    latest.value = null;
    known = '';
  });
  // Who opens the question again finds its answer, and an address that opens it for others, too.
  effect(() => {
    const { scenarios, plan } = model.view.value;
    const one = latest.value;
    if (scenarios === null || plan?.kind !== kind || plan.job !== null || one === null) return;
    if (one.of !== region.value) return;
    untracked(() => {
      model.update({ plan: { kind, job: one.id } }, true);
    });
  });
  effect(() => {
    const name = wanted.value;
    if (name === '' || name === known) return;
    const [of = '', id = ''] = name.split('/');
    const controller = new AbortController();
    problem.value = null;
    if (job.peek() === null) job.value = { id, status: 'accepted', progress: 0 };
    // Told right before the result is asked for.
    let language: string = model.lang.peek();
    const tell = (state: Job) => {
      language = model.lang.peek();
      job.value = state;
    };
    void followJob(api, of, id, decode, tell, controller.signal).then((result) => {
      if (controller.signal.aborted) return;
      connection.note(result);
      job.value = null;
      known = name;
      if (result.ok) {
        found.value = result.value;
        spoken.value = { region: of, job: id, language };
        latest.value = { of, id };
        return;
      }
      if (latest.peek()?.id === id) latest.value = null;
      // Whoever stopped it knows.
      if (result.problem.status === 410) return;
      // What another job found is no answer to this one, and would hide why there is none.
      found.value = null;
      spoken.value = null;
      problem.value = result.problem;
    });
    return () => {
      controller.abort();
      if (job.peek()?.id === id) job.value = null;
    };
  });

  return {
    job,
    found,
    problem,
    ask(inputs) {
      const asked = model.region.peek();
      if (!asked || job.peek()) return;
      question += 1;
      const mine = question;
      job.value = { id: '', status: 'accepted', progress: 0 };
      problem.value = null;
      void startJob(
        api,
        { region: asked.id, edition: asked.edition },
        PROCESSES[kind],
        inputs,
        new AbortController().signal,
      ).then((result) => {
        connection.note(result);
        if (mine !== question) return;
        if (!result.ok) {
          job.value = null;
          problem.value = result.problem;
          return;
        }
        const { id } = result.value;
        batch(() => {
          job.value = result.value;
          latest.value = { of: asked.id, id };
          // Who went elsewhere meanwhile is not brought back.
          if (model.view.peek().plan?.kind === kind) model.update({ plan: { kind, job: id } });
        });
      });
    },
    stop() {
      const of = region.peek();
      const id = job.peek()?.id;
      if (id && latest.peek()?.id === id) latest.value = null;
      if (of !== undefined && id) void dismissJob(api, of, id).then(connection.note.bind(connection));
    },
  };
}

const sessions = new WeakMap<Model, PlanSession>();

/** The one of a page. */
export function planOf(model: Model): PlanSession {
  const known = sessions.get(model);
  if (known) return known;
  const mix = createWork(model, 'mix', decodeMix);
  const hot = createWork(model, 'where', decodeHot);
  const answered = computed<Answered | null>(() => {
    if (model.view.value.plan?.kind !== 'mix') return hot.found.value;
    const found = mix.found.value;
    return found && { edition: found.edition, year: found.baselineYear };
  });
  const made: PlanSession = {
    mixForm: signal(freshMixForm()),
    hotForm: signal(freshHotForm()),
    mix,
    hot,
    answered,
    told: regionTold(model, () => answered.value?.edition ?? null),
    drawn: signal(null),
    chosen: signal(null),
    pointed: signal(null),
  };
  // Places and kinds of one region may be unknown in another.
  onOtherRegion(model, () => {
    made.mixForm.value = freshMixForm();
    made.hotForm.value = freshHotForm();
    made.drawn.value = null;
    made.chosen.value = null;
    made.pointed.value = null;
  });
  sessions.set(model, made);
  return made;
}
