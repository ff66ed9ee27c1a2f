/** Whether the API answers. Once it does not, we ask again by ourselves, less and less often, until it does. */
import { signal, type ReadonlySignal } from '@preact/signals';
import type { Result } from './api';

const PAUSES_MS = [1000, 2000, 4000, 8000, 15000];

export interface Connection {
  readonly away: ReadonlySignal<boolean>;
  /** Counts up each time the API is back, so that what failed is asked for again. */
  readonly attempt: ReadonlySignal<number>;
  /** Look at a result; one that nobody answered starts the waiting. */
  note(result: Result<unknown>): void;
  /** Something else failed (a tile): find out whether the API is there. */
  suspect(): void;
  /** Ask now, and start again with short pauses. */
  retry(): void;
}

export function createConnection(health: (signal: AbortSignal) => Promise<Result<true>>): Connection {
  const away = signal(false);
  const attempt = signal(0);
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;

  function wait(): void {
    clearTimeout(timer);
    const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)];
    failures += 1;
    timer = setTimeout(() => void ask(), pause);
  }

  async function ask(): Promise<void> {
    if (asking) return;
    asking = true;
    clearTimeout(timer);
    const result = await health(new AbortController().signal);
    asking = false;
    if (!result.ok && result.problem.kind === 'away') {
      away.value = true;
      wait();
    } else if (away.value) {
      failures = 0;
      away.value = false;
      attempt.value += 1;
    }
  }

  return {
    away,
    attempt,
    note(result) {
      if (result.ok || result.problem.kind !== 'away' || away.value) return;
      away.value = true;
      wait();
    },
    suspect() {
      if (!away.value) void ask();
    },
    retry() {
      failures = 0;
      void ask();
    },
  };
}
