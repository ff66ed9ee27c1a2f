/** What is open beside and over the map, the latest last: Escape closes that one, and its opener has the focus again. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface Opened {
  readonly panel: RefObject<HTMLElement | null>;
  readonly opener: Element | null;
  /** Selector of what gets the focus if the opener is gone. */
  readonly home: string;
  readonly close: () => void;
}

const MAP = 'canvas.maplibregl-canvas';

const stack: Opened[] = [];

/** What has the focus; null if nothing has it. */
function focused(): Element | null {
  return document.activeElement === document.body ? null : document.activeElement;
}

/** Whether it is there, and can have the focus without a keyboard coming up on a phone. */
function isFit(element: Element | null): element is HTMLElement {
  return (
    element instanceof HTMLElement &&
    element.isConnected &&
    !(element.matches('input') && matchMedia('(pointer: coarse)').matches)
  );
}

function leave({ panel, opener, home, close }: Opened): void {
  const before = focused();
  // Who is elsewhere on the page stays there.
  const lost = before === null || (panel.current?.contains(before) ?? false);
  close();
  if (!lost) return;
  for (const element of [opener, document.querySelector(home), document.querySelector(MAP)]) {
    if (!isFit(element)) continue;
    element.focus({ preventScroll: true });
    if (document.activeElement === element) return;
  }
}

function closeLatest(event: KeyboardEvent): void {
  if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing) return;
  // A dialog over the page closes by itself, and nothing below it.
  if (document.querySelector('dialog[open]')) return;
  const latest = stack.at(-1);
  if (!latest) return;
  event.preventDefault();
  leave(latest);
}

/**
 * Keep something among what is open.
 *
 * @param key what is open, null for nothing; another key is opened anew
 * @param panel where it is; the focus is in it, or with its opener
 * @param home selector of what gets the focus where the opener is gone
 * @returns closes it as Escape does
 */
export function useOpened(
  key: string | null,
  panel: RefObject<HTMLElement | null>,
  close: () => void,
  home: string = MAP,
): () => void {
  const closing = useRef(close);
  closing.current = close;
  const entry = useRef<Opened | null>(null);
  useLayoutEffect(() => {
    if (key === null) return;
    const from = focused();
    const within = from !== null && (panel.current?.contains(from) ?? false);
    const opened: Opened = {
      panel,
      // Who goes on within a panel goes back to where they came from.
      opener: within ? (entry.current?.opener ?? null) : from,
      home,
      close: () => {
        closing.current();
      },
    };
    entry.current = opened;
    if (stack.length === 0) addEventListener('keydown', closeLatest);
    // What lies within this was opened after it, though it may have been drawn before.
    const inner = stack.findIndex(
      (one) => one.panel.current !== panel.current && panel.current?.contains(one.panel.current),
    );
    stack.splice(inner === -1 ? stack.length : inner, 0, opened);
    return () => {
      stack.splice(stack.indexOf(opened), 1);
      if (stack.length === 0) removeEventListener('keydown', closeLatest);
    };
  }, [key, panel, home]);
  return () => {
    if (entry.current) leave(entry.current);
  };
}
