/** Room for what may be wider than the page: it scrolls within itself, and the keyboard reaches it. */
import type { ComponentChildren } from 'preact';

export function Scrolled({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="scrolled" tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}
