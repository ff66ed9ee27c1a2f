/** Values that come from the API: asked for when their key changes, given up when it changes again. */
import { computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals';
import type { Problem, Result } from './api';

export type Loadable<T> =
  | { readonly state: 'idle' }
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly problem: Problem };

/** The value if it is there. */
export function loaded<T>(loadable: Loadable<T>): T | null {
  return loadable.state === 'ready' ? loadable.value : null;
}

/**
 * Follow a key and load what it names.
 *
 * @param key plain data, or null for nothing to load; equal keys are loaded once
 * @param ask must give up when the signal aborts
 * @param attempt counts up whenever what failed deserves another try
 * @param report sees every result that was not given up
 * @param stands whether the value of one key may stay in sight until that of the next is there
 */
export function resource<K, T>(
  key: () => K | null,
  ask: (key: K, signal: AbortSignal) => Promise<Result<T>>,
  attempt: ReadonlySignal<number>,
  report: (result: Result<T>) => void,
  stands: (shown: K, wanted: K) => boolean = () => false,
): ReadonlySignal<Loadable<T>> {
  const state = signal<Loadable<T>>({ state: 'idle' });
  // As text, since signals compare by identity and keys are built anew each time.
  const name = computed(() => JSON.stringify(key()));
  /** The key of the value in sight. */
  let shown: string | null = null;

  effect(() => {
    const wanted = name.value;
    void attempt.value;
    const current = untracked(() => state.value);
    if (wanted === shown && current.state === 'ready') return;
    const parsed = JSON.parse(wanted) as K | null;
    if (parsed === null) {
      state.value = { state: 'idle' };
      return;
    }
    const controller = new AbortController();
    const kept = current.state === 'ready' && shown !== null && stands(JSON.parse(shown) as K, parsed);
    if (!kept) state.value = { state: 'loading' };
    void ask(parsed, controller.signal).then((result) => {
      if (controller.signal.aborted) return;
      if (result.ok) shown = wanted;
      if (result.ok) state.value = { state: 'ready', value: result.value };
      else if (!kept) state.value = { state: 'failed', problem: result.problem };
      report(result);
    });
    return () => {
      controller.abort();
    };
  });
  return state;
}
