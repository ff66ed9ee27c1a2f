/** Words at the pointer: what the place is called, what stands there, and what else is to be known of it. */
import type { ComponentChildren } from 'preact';

/** About as wide as words get, px. */
const WIDTH = 300;

export function Tooltip(props: {
  testid: string;
  at: { readonly x: number; readonly y: number };
  name: string;
  /** What stands there, in the colour that the map gives it; none: the name says all. */
  value?: ComponentChildren;
  colour?: string;
  /** Lines below, of the class `tooltip-held`. */
  children?: ComponentChildren;
}) {
  const { testid, at, name, value, colour, children } = props;
  // Near the right edge, or the card that covers it, the words go to the other side of the pointer.
  const room = document.querySelector('.card')?.getBoundingClientRect().left ?? innerWidth;
  return (
    <div
      class={at.x > room - WIDTH ? 'tooltip flipped' : 'tooltip'}
      data-testid={testid}
      style={{ transform: `translate(${at.x}px, ${at.y}px)` }}
    >
      <div>
        <span class="tooltip-name" translate={false}>
          {name}
        </span>
        {value !== undefined && (
          <span class="tooltip-value">
            {colour !== undefined && <i class="swatch" style={{ backgroundColor: colour }} />}
            {value}
          </span>
        )}
        {children}
      </div>
    </div>
  );
}
