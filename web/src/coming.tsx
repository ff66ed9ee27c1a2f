/** What stands in for something open whose code is under way: Escape gives it up, and not what lies below it. */
import type { ComponentType } from 'preact';
import { useRef } from 'preact/hooks';
import type { Model } from './model';
import { useOpened } from './opened';

/**
 * @param look its classes; none: nothing is seen of it
 * @param home selector of what gets the focus where the opener is gone
 */
export function coming<P extends { model: Model }>(
  look: string,
  close: (model: Model) => void,
  home?: string,
): ComponentType<P> {
  return function Coming({ model }: P) {
    const place = useRef<HTMLDivElement>(null);
    useOpened(
      'coming',
      place,
      () => {
        close(model);
      },
      home,
    );
    return <div class={look} hidden={look === ''} aria-hidden="true" ref={place} />;
  };
}
