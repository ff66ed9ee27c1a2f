/** The region as an edition tells of it: labels and sources go with the numbers, not with what the page shows meanwhile. */
import { computed, type ReadonlySignal } from '@preact/signals';
import type { Region } from './api';
import { loaded, resource, type Loadable } from './loading';
import type { Model } from './model';

/**
 * Follow the edition that an answer is of.
 *
 * @param edition null: there is no answer; the region is as the page has it
 * @returns failed where the server keeps that edition no more
 */
export function regionTold(model: Model, edition: () => string | null): ReadonlySignal<Loadable<Region>> {
  const { api, connection } = model;
  const elsewhere = computed(() => {
    const now = model.region.value;
    const of = edition();
    return now && of !== null && of !== now.edition ? `${now.id}/${of}` : null;
  });
  const told = resource(
    () => elsewhere.value,
    (name, cancel) => {
      const [region = '', of = ''] = name.split('/');
      return api.region(region, of, cancel);
    },
    connection.attempt,
    (result) => {
      connection.note(result);
    },
  );
  return computed<Loadable<Region>>(() => {
    const now = model.region.value;
    if (elsewhere.value !== null) {
      const found = told.value;
      const stale = found.state === 'ready' && elsewhere.value !== `${found.value.id}/${found.value.edition}`;
      return stale ? { state: 'loading' } : found;
    }
    return now ? { state: 'ready', value: now } : { state: 'loading' };
  });
}

/**
 * The region whose labels stand beside an answer.
 *
 * @param told the region as the answer's edition tells of it
 * @param shown the same as the page has it, whose labels stand until the others are known
 * @returns null where no edition tells: those of another one would say what nobody knows
 */
export function labelledAs(told: Loadable<Region>, shown: Region | null): Region | null {
  return told.state === 'failed' ? null : (loaded(told) ?? shown);
}
