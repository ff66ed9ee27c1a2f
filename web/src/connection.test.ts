import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Result } from './api';
import { createConnection } from './connection';

const HERE: Result<true> = { ok: true, value: true };
const AWAY: Result<true> = { ok: false, problem: { kind: 'away', status: null, detail: '' } };

describe('the connection', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('asks again, less and less often, and says when the API is back', async () => {
    let answer: Result<true> = AWAY;
    let asked = 0;
    const connection = createConnection(() => {
      asked += 1;
      return Promise.resolve(answer);
    });
    connection.note(AWAY);
    expect(connection.away.value).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThan(12);
    expect(connection.attempt.value).toBe(0);
    answer = HERE;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(connection.away.value).toBe(false);
    expect(connection.attempt.value).toBe(1);
    const before = asked;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked).toBe(before);
  });

  it('asks at once when told to', async () => {
    let asked = 0;
    const connection = createConnection(() => {
      asked += 1;
      return Promise.resolve(HERE);
    });
    connection.note(AWAY);
    connection.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toBe(1);
    expect(connection.away.value).toBe(false);
  });

  it('does not take a refusal for absence', () => {
    const connection = createConnection(() => Promise.resolve(HERE));
    connection.note({ ok: false, problem: { kind: 'refused', status: 404, detail: '' } });
    expect(connection.away.value).toBe(false);
  });
});
