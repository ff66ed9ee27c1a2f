import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApi } from './api';
import { followJob } from './jobs';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a job', () => {
  it('is asked for its result again where the server went away in between', async () => {
    const asked: string[] = [];
    const api = createApi('https://map.example/api/', (input) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      asked.push(pathname.slice(5));
      if (!pathname.endsWith('results'))
        return Promise.resolve(Response.json({ jobID: 'j', status: 'successful', progress: 100 }));
      return asked.length < 4 ? Promise.reject(new TypeError('gone')) : Promise.resolve(Response.json(7));
    });
    const cancel = new AbortController();
    const told: string[] = [];
    const found = followJob(
      api,
      'demo',
      'j',
      (value) => value,
      ({ status }) => told.push(status),
      cancel.signal,
    );
    await vi.runAllTimersAsync();
    expect(await found).toEqual({ ok: true, value: 7 });
    expect(asked).toEqual(['demo/jobs/j', 'demo/jobs/j/results', 'demo/jobs/j', 'demo/jobs/j/results']);
  });
});
