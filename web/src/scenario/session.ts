/** The scenarios that are worked on: they follow the page's address, and the address follows them. */
import {
  batch,
  computed,
  effect,
  signal,
  untracked,
  type ReadonlySignal,
  type Signal,
} from '@preact/signals';
import type { Problem } from '../api';
import { loaded, resource, type Loadable } from '../loading';
import type { Model } from '../model';
import { fitsScenarios, type Measured, type ScenarioMap } from '../state';
import { createRun, type Run } from './run';
import {
  MOST_SLOTS,
  questionOf,
  readSlot,
  writeSlot,
  type Measure,
  type Saved,
  type Scenario,
  type Slot,
} from './document';
import { gapsOf } from './kinds';
import { askCatalogue, askKept, type Asking, type Catalogue, type Place } from './questions';

export interface Session {
  readonly slots: ReadonlySignal<readonly Slot[]>;
  readonly at: ReadonlySignal<number>;
  /** The scenario in sight; null: it has not come yet. */
  readonly scenario: ReadonlySignal<Scenario | null>;
  readonly catalogue: ReadonlySignal<Loadable<Catalogue>>;
  /** What is asked of a scenario; null while the region is not known. */
  readonly asking: ReadonlySignal<Asking | null>;
  /** The result of each slot. */
  readonly runs: readonly Run[];
  /** Why a kept scenario did not come. */
  readonly problem: ReadonlySignal<Problem | null>;
  /** Where the next measure is to act; null: everywhere. */
  readonly area: Signal<Measured | null>;
  /** What the pointer is on. */
  readonly pointed: Signal<{ readonly x: number; readonly y: number; readonly place: Place } | null>;
  readonly map: ReadonlySignal<ScenarioMap>;
  /** Whether the link holds all of what is worked on. */
  readonly linked: ReadonlySignal<boolean>;
  /** Whether what is in sight is what the server keeps. */
  readonly kept: ReadonlySignal<boolean>;
  /** Change the scenario in sight; `moving`: more of the same follows, as while a slider moves. */
  change(scenario: Scenario, moving?: boolean): void;
  choose(at: number): void;
  /** Lay a copy beside the one in sight, and go on with the copy. */
  copy(): void;
  drop(at: number): void;
  /** The scenario in sight is now what the server keeps. */
  keep(saved: Saved, scenario: Scenario): void;
  show(map: ScenarioMap): void;
}

/** How long a change waits for the next one before it is written into the address, ms: browsers allow a few a second. */
const WRITTEN_AFTER_MS = 300;
/** Years from the baseline to what a new scenario looks at, if that is not before the common target year. */
const AHEAD = 10;
const COMMON_TARGET = 2040;

/** A scenario without measures: nothing changes. */
export function freshScenario(baselineYear: number): Scenario {
  return { year: Math.max(COMMON_TARGET, baselineYear + AHEAD), measures: [] };
}

/** The scenario without measures that still wait for a number of the reader's. */
export function runnable(scenario: Scenario, catalogue: Catalogue | null): Scenario {
  if (!catalogue) return scenario;
  const shared = scenario.parameters as Measure['parameters'];
  const complete = scenario.measures.filter((one) => gapsOf(one, catalogue, shared).length === 0);
  return { ...scenario, measures: complete };
}

function createSession(model: Model): Session {
  const { api, connection } = model;
  const asking = computed<Asking | null>(() => {
    const region = model.region.value;
    const year = model.year.value;
    return region && year !== null ? { region: region.id, edition: region.edition, year } : null;
  });
  const catalogue = resource(
    () => asking.value,
    (key, cancel) => askCatalogue(api, key, cancel),
    connection.attempt,
    (result) => {
      connection.note(result);
    },
  );

  const slots = signal<readonly Slot[]>([]);
  const problem = signal<Problem | null>(null);
  /** Questions of what the server keeps, by slot: what equals them is not written into the link again. */
  const keptAs = new Map<string, string>();
  const nameOf = ({ id, version }: Saved) => `${id}~${version}`;
  const isKept = ({ scenario, saved }: Slot) =>
    scenario !== null && saved !== null && keptAs.get(nameOf(saved)) === JSON.stringify(scenario);
  const written = (list: readonly Slot[]) => list.map((slot) => writeSlot(slot, isKept(slot)));

  let last: string | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  // The address leads: a link, or the back button.
  effect(() => {
    const { scenarios } = model.view.value;
    const year = asking.value?.year;
    if (scenarios === null || year === undefined) return;
    const name = JSON.stringify([scenarios, asking.value?.region]);
    if (name === last) return;
    last = name;
    clearTimeout(timer);
    const fresh = freshScenario(year);
    const read = scenarios.map((one) => readSlot(one, fresh) ?? { scenario: fresh, saved: null });
    slots.value = read.length > 0 ? read : [{ scenario: fresh, saved: null }];
  });

  // What the server keeps comes later.
  const missing = computed(() => {
    const saved = slots.value.find((slot) => slot.scenario === null)?.saved;
    return saved && asking.value ? JSON.stringify({ region: asking.value.region, saved }) : null;
  });
  effect(() => {
    const wanted = missing.value;
    void connection.attempt.value;
    if (wanted === null) return;
    const { region, saved } = JSON.parse(wanted) as { region: string; saved: Saved };
    const controller = new AbortController();
    void askKept(api, { region }, saved, controller.signal).then((result) => {
      if (controller.signal.aborted) return;
      connection.note(result);
      problem.value = result.ok ? null : result.problem;
      if (!result.ok) return;
      const { scenario } = result.value;
      keptAs.set(nameOf(saved), JSON.stringify(scenario));
      slots.value = slots
        .peek()
        .map((slot) =>
          slot.scenario === null && slot.saved?.id === saved.id && slot.saved.version === saved.version
            ? { scenario, saved }
            : slot,
        );
    });
    return () => {
      controller.abort();
    };
  });

  const at = computed(() => Math.min(model.view.value.scenario, Math.max(slots.value.length - 1, 0)));
  const scenario = computed(() => slots.value[at.value]?.scenario ?? null);

  function write(quietly: boolean, where = untracked(() => at.value)): void {
    clearTimeout(timer);
    const scenarios = written(slots.peek());
    last = JSON.stringify([scenarios, asking.peek()?.region]);
    model.update({ scenarios, scenario: where }, quietly);
  }

  const runs = Array.from({ length: MOST_SLOTS }, (_, index) =>
    createRun(
      model,
      computed(() => {
        const one = slots.value[index]?.scenario ?? null;
        const known = loaded(catalogue.value);
        const asked = asking.value;
        // A panel that is closed asks nothing.
        if (!one || !known || !asked || model.view.value.scenarios === null) return null;
        return { asking: asked, scenario: runnable(one, known) };
      }),
      computed(() => index === at.value),
    ),
  );

  return {
    slots,
    at,
    scenario,
    catalogue,
    asking,
    runs,
    problem,
    area: signal<Measured | null>(null),
    pointed: signal(null),
    map: computed(() => model.view.value.scenarioMap),
    linked: computed(() => fitsScenarios(written(slots.value))),
    kept: computed(() => {
      const slot = slots.value[at.value];
      return slot !== undefined && isKept(slot);
    }),
    change(changed, moving = false) {
      const here = at.peek();
      const before = slots.peek()[here];
      slots.value = slots
        .peek()
        .map((slot, index) => (index === here ? { ...slot, scenario: changed } : slot));
      const same = before?.scenario && questionOf(before.scenario) === questionOf(changed);
      clearTimeout(timer);
      if (!moving && !same) write(false);
      else
        timer = setTimeout(() => {
          write(true);
        }, WRITTEN_AFTER_MS);
    },
    choose(next) {
      model.update({ scenario: next });
    },
    copy() {
      const slot = slots.peek()[at.peek()];
      if (!slot || slots.peek().length >= MOST_SLOTS) return;
      batch(() => {
        slots.value = [...slots.peek(), { ...slot, saved: null }];
        write(false, slots.peek().length - 1);
      });
    },
    drop(index) {
      if (slots.peek().length < 2) return;
      batch(() => {
        const here = at.peek();
        slots.value = slots.peek().filter((_, one) => one !== index);
        write(false, here > index || here >= slots.peek().length ? here - 1 : here);
      });
    },
    keep(saved, kept) {
      keptAs.set(nameOf(saved), JSON.stringify(kept));
      const here = at.peek();
      slots.value = slots.peek().map((slot, index) => (index === here ? { ...slot, saved } : slot));
      write(false);
    },
    show(map) {
      model.update({ scenarioMap: map });
    },
  };
}

const sessions = new WeakMap<Model, Session>();

/** The one session of a page. */
export function sessionOf(model: Model): Session {
  const known = sessions.get(model);
  if (known) return known;
  const made = createSession(model);
  sessions.set(model, made);
  return made;
}
