/** What a panel asks the API by itself, for as long as it is open. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Result } from './api';
import type { Loadable } from './loading';
import type { Model } from './model';

/**
 * Ask when the panel opens and whenever the key changes; ask again when the API is back from being away.
 *
 * @param key names the question in full; null asks nothing
 * @param ask is given a signal that aborts when the answer is no longer wanted
 */
export function useAsked<T>(
  model: Model,
  key: string | null,
  ask: (signal: AbortSignal) => Promise<Result<T>>,
): Loadable<T> {
  const [answer, setAnswer] = useState<{ key: string | null; state: Loadable<T> }>({
    key: null,
    state: { state: 'idle' },
  });
  const asking = useRef(ask);
  asking.current = ask;
  const answered = useRef<string | null>(null);
  const attempt = model.connection.attempt.value;

  useEffect(() => {
    if (key === null || answered.current === key) return;
    const controller = new AbortController();
    setAnswer({ key, state: { state: 'loading' } });
    void asking.current(controller.signal).then((result) => {
      if (controller.signal.aborted) return;
      if (result.ok) answered.current = key;
      setAnswer({
        key,
        state: result.ok
          ? { state: 'ready', value: result.value }
          : { state: 'failed', problem: result.problem },
      });
      model.connection.note(result);
    });
    return () => {
      controller.abort();
    };
  }, [key, attempt, model]);

  if (key === null) return { state: 'idle' };
  // Between a new key and the effect that asks it, the old answer must not pass for the new one's.
  return answer.key === key ? answer.state : { state: 'loading' };
}
