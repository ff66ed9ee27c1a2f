import { signal } from '@preact/signals';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createApi } from './api';
import { loaded } from './loading';
import { createPublished } from './published';

const REGION = {
  id: 'demo',
  name: { en: 'Demo' },
  languages: ['en'],
  bbox: [126, 37, 127, 38],
  synthetic: false,
  edition: 'aaaaaaaaaaaaaaaa',
  years: [2024],
};
const NEWER = { ...REGION, edition: 'bbbbbbbbbbbbbbbb' };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The regions of a server that says what `answers` holds. */
async function opened(answers: { now: unknown }) {
  let asked = 0;
  const api = createApi('https://map.example/api/', () => {
    asked += 1;
    return Promise.resolve(Response.json(answers.now));
  });
  const published = createPublished(api, signal(0), () => undefined);
  await settled();
  return { published, asked: () => asked };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}

function editionsOf({ regions }: ReturnType<typeof createPublished>): string[] | undefined {
  return loaded(regions.value)?.map(({ edition }) => edition);
}

it('keeps what is shown until what is newer is taken', async () => {
  const answers = { now: [REGION] };
  const { published } = await opened(answers);
  published.look();
  await settled();
  expect(published.newer.value).toBeNull();
  answers.now = [NEWER];
  vi.advanceTimersByTime(10_000);
  published.look();
  await settled();
  expect(published.newer.value?.[0]?.edition).toBe(NEWER.edition);
  expect(editionsOf(published)).toEqual([REGION.edition]);
  published.take();
  expect(editionsOf(published)).toEqual([NEWER.edition]);
  expect(published.newer.value).toBeNull();
});

it('does not ask again and again', async () => {
  const { published, asked } = await opened({ now: [REGION] });
  for (let turn = 0; turn < 50; turn += 1) published.look();
  await settled();
  expect(asked()).toBe(2);
});

it('keeps what is shown where the answer says nothing', async () => {
  const answers: { now: unknown } = { now: [REGION] };
  const { published } = await opened(answers);
  answers.now = { regions: '?' };
  published.look();
  await settled();
  expect(published.newer.value).toBeNull();
  published.take();
  expect(editionsOf(published)).toEqual([REGION.edition]);
});
