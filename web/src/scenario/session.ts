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
import type { Problem, Region } from '../api';
import { loaded, resource, type Loadable } from '../loading';
import type { Model } from '../model';
import { regionTold } from '../region_told';
import { fitsScenarios, type Measured, type ScenarioMap } from '../state';
import { createRun, type Run } from './run';
import { createTiled, type Tiled } from './tiled';
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
  /** The region as the edition tells of it that the result in sight is of. */
  readonly told: ReadonlySignal<Loadable<Region>>;
  /** How many scenarios of the link could not be read; an empty one stands for each. */
  readonly damaged: ReadonlySignal<number>;
  /** Tiles of the result in sight; null where its cells are told one by one. */
  readonly tiled: ReadonlySignal<Tiled | null>;
  /** Why a kept scenario did not come. */
  readonly problem: ReadonlySignal<Problem | null>;
  /** Where the next measure is to act; null: everywhere. */
  readonly area: Signal<Measured | null>;
  /** What the pointer is on. */
  readonly pointed: Signal<{
    readonly x: number;
    readonly y: number;
    readonly place: Pick<Place, 'id' | 'properties'>;
  } | null>;
  readonly map: ReadonlySignal<ScenarioMap>;
  /** Whether the link holds all of what is worked on. */
  readonly linked: ReadonlySignal<boolean>;
  /** Whether what is in sight is what the server keeps. */
  readonly kept: ReadonlySignal<boolean>;
  /** The edition on which what is in sight was saved, where that is another one than it is worked out on. */
  readonly savedElsewhere: ReadonlySignal<string | null>;
  /** Change the scenario in sight; `moving`: more of the same follows, as while a slider moves. */
  change(scenario: Scenario, moving?: boolean): void;
  choose(at: number): void;
  /** Lay a copy beside the one in sight, and go on with the copy. */
  copy(): void;
  drop(at: number): void;
  /** Lay a scenario beside the others and go on with it; it takes the place of an empty one, or of the one in sight. */
  open(scenario: Scenario): void;
  /** The scenario in sight is now what the server keeps, as it was saved on an edition. */
  keep(saved: Saved, scenario: Scenario, edition: string): void;
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
    () => asking.value && { ...asking.value, language: model.lang.value },
    (key, cancel) => askCatalogue(api, key, cancel),
    connection.attempt,
    (result) => {
      connection.note(result);
    },
    // Other words for the same measures: what is drawn or worked out meanwhile goes on.
    (shown, wanted) => shown.region === wanted.region && shown.edition === wanted.edition,
  );

  const slots = signal<readonly Slot[]>([]);
  const damaged = signal(0);
  const problem = signal<Problem | null>(null);
  /** Questions of what the server keeps, by slot: what equals them is not written into the link again. */
  const keptAs = new Map<string, string>();
  /** Their editions. */
  const keptOn = new Map<string, string>();
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
    if (scenarios === null) {
      // What was about to be written belongs to the panel that was closed.
      clearTimeout(timer);
      last = null;
    }
    if (scenarios === null) damaged.value = 0;
    if (scenarios === null || year === undefined) return;
    const name = JSON.stringify([scenarios, asking.value?.region]);
    if (name === last) return;
    last = name;
    clearTimeout(timer);
    const fresh = freshScenario(year);
    const read = scenarios.map((one) => readSlot(one, fresh));
    const list = read.map((one) => one ?? { scenario: fresh, saved: null });
    batch(() => {
      damaged.value = read.filter((one) => one === null).length;
      slots.value = list.length > 0 ? list : [{ scenario: fresh, saved: null }];
    });
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
      const { scenario, edition } = result.value;
      keptAs.set(nameOf(saved), JSON.stringify(scenario));
      keptOn.set(nameOf(saved), edition);
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

  const area = signal<Measured | null>(null);
  const region = computed(() => asking.value?.region);
  effect(() => {
    // Zones of one region are none of another.
    void region.value;
    area.value = null;
  });

  const at = computed(() => Math.min(model.view.value.scenario, Math.max(slots.value.length - 1, 0)));
  const scenario = computed(() => slots.value[at.value]?.scenario ?? null);

  function write(quietly: boolean, where = untracked(() => at.value)): void {
    clearTimeout(timer);
    // What comes late, as a number that was kept, opens no panel that was closed meanwhile.
    if (model.view.peek().scenarios === null) return;
    const scenarios = written(slots.peek());
    last = JSON.stringify([scenarios, asking.peek()?.region]);
    damaged.value = 0;
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
        const scenario = runnable(one, known);
        const { measures } = scenario;
        const long = measures.length > known.most || measures.some(({ kind }) => known.kinds[kind]?.long);
        return { asking: asked, scenario, long };
      }),
      computed(() => index === at.value),
    ),
  );

  const run = computed(() => runs[at.value]);
  const tiled = createTiled(
    model,
    asking,
    computed(() => run.value?.summary.value ?? null),
    computed(() => run.value?.digest.value ?? null),
  );

  /** What is drawn or picked for one scenario means nothing to another. */
  function endPlaces(): void {
    model.endSketch();
    model.picking.value = null;
  }

  return {
    slots,
    at,
    scenario,
    catalogue,
    asking,
    runs,
    told: regionTold(model, () => run.value?.summary.value?.edition ?? null),
    damaged,
    tiled,
    problem,
    area,
    pointed: signal(null),
    map: computed(() => model.view.value.scenarioMap),
    linked: computed(() => fitsScenarios(written(slots.value))),
    kept: computed(() => {
      const slot = slots.value[at.value];
      return slot !== undefined && isKept(slot);
    }),
    savedElsewhere: computed(() => {
      const slot = slots.value[at.value];
      const edition = slot?.saved && isKept(slot) ? keptOn.get(nameOf(slot.saved)) : undefined;
      return edition !== undefined && edition !== asking.value?.edition ? edition : null;
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
      endPlaces();
      model.update({ scenario: next });
    },
    copy() {
      const slot = slots.peek()[at.peek()];
      if (!slot || slots.peek().length >= MOST_SLOTS) return;
      batch(() => {
        endPlaces();
        slots.value = [...slots.peek(), { ...slot, saved: null }];
        write(false, slots.peek().length - 1);
      });
    },
    drop(index) {
      if (slots.peek().length < 2) return;
      batch(() => {
        endPlaces();
        const here = at.peek();
        slots.value = slots.peek().filter((_, one) => one !== index);
        write(false, here > index || here >= slots.peek().length ? here - 1 : here);
      });
    },
    open(scenario) {
      const list = slots.peek();
      const here = at.peek();
      const empty = list[here]?.scenario?.measures.length === 0;
      const slot = { scenario, saved: null };
      batch(() => {
        endPlaces();
        const beside = !empty && list.length < MOST_SLOTS;
        slots.value = beside ? [...list, slot] : list.map((one, index) => (index === here ? slot : one));
        write(false, beside ? list.length : here);
      });
    },
    keep(saved, kept, edition) {
      keptAs.set(nameOf(saved), JSON.stringify(kept));
      keptOn.set(nameOf(saved), edition);
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
