/**
 * The regions as they were published when the page was opened. One that is published anew meanwhile changes nothing
 * under the reader's eyes: it is shown when they want it, or when the edition they look at is no longer kept.
 */
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { Api, Region, Result } from './api';
import { loaded, resource, type Loadable } from './loading';

export interface Published {
  /** What the page shows. */
  readonly regions: ReadonlySignal<Loadable<Region[]>>;
  /** All regions as they are now, where an edition is another than the one shown; null: nothing newer is known. */
  readonly newer: ReadonlySignal<Region[] | null>;
  /** Find out whether anything is newer; a question soon after another is not asked. */
  readonly look: () => void;
  /** Show what is newer. */
  readonly take: () => void;
}

const PAUSE_MS = 10_000;

export function createPublished(
  api: Api,
  attempt: ReadonlySignal<number>,
  note: (result: Result<unknown>) => void,
): Published {
  const first = resource(
    () => 'regions',
    (_, cancel) => api.regions(cancel),
    attempt,
    note,
  );
  const taken = signal<Region[] | null>(null);
  const newer = signal<Region[] | null>(null);
  const regions = computed<Loadable<Region[]>>(() =>
    taken.value ? { state: 'ready', value: taken.value } : first.value,
  );
  let asked = -PAUSE_MS;

  async function look(): Promise<void> {
    if (!loaded(regions.peek()) || performance.now() - asked < PAUSE_MS) return;
    asked = performance.now();
    const result = await api.regions(new AbortController().signal);
    // Whoever is away is missed by others; this question can wait.
    if (!result.ok) return;
    const shown = loaded(regions.peek()) ?? [];
    const changed = result.value.some(({ id, edition }) =>
      shown.some((one) => one.id === id && one.edition !== edition),
    );
    newer.value = changed ? result.value : null;
  }

  return {
    regions,
    newer,
    look: () => void look(),
    take() {
      taken.value = newer.peek() ?? taken.peek();
      newer.value = null;
    },
  };
}
