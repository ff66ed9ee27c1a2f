/** The edition that a link keeps to: what the page shows where it is another one than that published now. */
import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import type { Api, Region, Result } from './api';
import { loaded, resource, type Loadable } from './loading';

export interface Pinned {
  /** The region as the edition shown tells of it; null: not known yet. */
  readonly region: ReadonlySignal<Region | null>;
  /** Whether what is shown was published before what is published now. */
  readonly old: ReadonlySignal<boolean>;
  /** The edition that was asked for and is no longer kept; null: none was. */
  readonly gone: ReadonlySignal<string | null>;
  readonly state: ReadonlySignal<Loadable<Region>>;
  /** What is asked for is not there any more, though it was. */
  readonly lose: () => void;
}

/** How editions are called: of what is called otherwise nobody need be asked. */
const EDITION = /^[0-9a-f]{16}$/;

/**
 * @param published the region as it is published now
 * @param edition the one that the address keeps to; null: that which is published
 * @param isGone whether an answer says that there is no such edition
 */
export function createPinned(
  api: Api,
  published: ReadonlySignal<Region | null>,
  edition: ReadonlySignal<string | null>,
  isGone: (result: Result<unknown>) => boolean,
  attempt: ReadonlySignal<number>,
  note: (result: Result<unknown>) => void,
): Pinned {
  const lost = signal<string | null>(null);
  const asked = computed(() => {
    const now = published.value;
    if (!now || edition.value === null || edition.value === now.edition) return null;
    if (!EDITION.test(edition.value)) return null;
    return lost.value === `${now.id} ${edition.value}` ? null : { region: now.id, edition: edition.value };
  });
  const state = resource(
    () => asked.value,
    (key, cancel) => api.region(key.region, key.edition, cancel),
    attempt,
    note,
  );
  function lose(): void {
    const key = asked.peek();
    if (key) lost.value = `${key.region} ${key.edition}`;
  }
  effect(() => {
    const found = state.value;
    if (found.state === 'failed' && isGone({ ok: false, problem: found.problem })) lose();
  });
  const region = computed(() => {
    const now = published.value;
    if (!now || !asked.value) return now;
    const kept = loaded(state.value);
    // What lies below the numbers is no part of an edition.
    return kept?.edition === asked.value.edition && kept.id === now.id
      ? { ...kept, baseMap: now.baseMap }
      : null;
  });
  return {
    region,
    old: computed(() => asked.value !== null && ['ready', 'failed'].includes(state.value.state)),
    gone: computed(() => {
      const now = published.value;
      if (now && edition.value !== null && !EDITION.test(edition.value)) return edition.value;
      return now && lost.value === `${now.id} ${edition.value ?? ''}` ? edition.value : null;
    }),
    state,
    lose,
  };
}
