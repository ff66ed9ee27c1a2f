/** What tests of a session start from: a model of two regions, and an address that is written down. */
import { signal } from '@preact/signals';
import { createApi } from './api';
import type { Ground } from './layers/theme';
import { createModel, type Model } from './model';

export const REGION = {
  languages: ['en'],
  bbox: [126, 37, 127, 38],
  synthetic: false,
  illustrative: {},
  edition: '0123456789abcdef',
  years: [2023],
  attributions: [],
};

/**
 * A model of the regions `demo` and `other`.
 *
 * @param search the address that it begins at
 * @param answer what else the API knows, by path, method and the language that is asked for; null: nothing of that name
 */
export function modelOfTwoRegions(
  search: string,
  answer: (path: string, method: string, language: string) => Promise<Response> | null = () => null,
): { readonly model: Model; readonly address: () => string } {
  const regions = ['demo', 'other'].map((id) => ({ ...REGION, id, name: { en: id } }));
  const api = createApi('https://map.example/api/', (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (pathname.endsWith('/regions')) return Promise.resolve(Response.json(regions));
    const language = new Headers(init?.headers).get('accept-language') ?? '';
    return (
      answer(pathname, init?.method ?? 'GET', language) ?? Promise.resolve(Response.json({}, { status: 404 }))
    );
  });
  let address = search;
  const keep = (query: string) => {
    address = query;
  };
  const model = createModel({
    api,
    address: { read: () => address, push: keep, replace: keep, onReturn: () => undefined },
    languages: ['en'],
    ground: signal<Ground>('light'),
  });
  return { model, address: () => address };
}
