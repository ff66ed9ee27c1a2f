/**
 * The API as its definition has it (`npm run api`): names of what answers hold and of what addresses take. Decoders read
 * members by these names only, and queries are written of these parameters, so that neither can be misspelt or go stale.
 */
import type { components, paths } from './api_schema';

/** Shapes of answers. */
export type Wire = components['schemas'];

/** Parameters that an address takes, whether it is fetched or posted to. */
export type Query<P extends keyof paths> = paths[P] extends { post: { parameters: { query?: infer Q } } }
  ? NonNullable<Q>
  : paths[P] extends { get: { parameters: { query?: infer Q } } }
    ? NonNullable<Q>
    : never;

/** A query of exactly the parameters that an address takes; what is undefined is left out. */
export function queryOf<P extends keyof paths>(given: Query<P>): string {
  return Object.entries<unknown>(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&');
}
