/** Panels that are fetched when they are first used, so that the first map does not wait for them. */
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const AGAIN_AFTER_MS = 2000;

/** How often in a row the code of a panel could not be fetched. With the server there, the page is older than its files. */
export const missed = signal(0);
/** As often, the reader is told. */
export const MISSED_OFTEN = 3;

/** Whether a style sheet could not be fetched: it has no rules, or none that may be looked at. */
function isLost({ sheet }: HTMLLinkElement): boolean {
  try {
    return sheet === null || sheet.cssRules.length === 0;
  } catch {
    return true;
  }
}

/** A style sheet that could not be fetched is not asked for again with its panel: the bundler asks for each once. */
function fetchLostStyles(): void {
  for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel=stylesheet]'))
    if (isLost(link)) link.replaceWith(link.cloneNode());
}

/**
 * A component whose code comes later.
 *
 * @param load imports the module and picks the component; asked once, and again after a failure
 * @param Waiting stands in its place meanwhile, and is given the same
 */
export function lazily<P extends object>(
  load: () => Promise<ComponentType<P>>,
  Waiting: ComponentType<P>,
): ComponentType<P> {
  let known: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [Loaded, setLoaded] = useState<ComponentType<P> | null>(() => known);
    useEffect(() => {
      if (Loaded) return;
      let wanted = true;
      let timer = 0;
      const attempt = () => {
        load().then(
          (component) => {
            known = component;
            missed.value = 0;
            if (wanted) setLoaded(() => component);
          },
          () => {
            // The server is away: what is missing comes when it is back.
            if (!wanted) return;
            missed.value += 1;
            timer = window.setTimeout(() => {
              fetchLostStyles();
              attempt();
            }, AGAIN_AFTER_MS);
          },
        );
      };
      attempt();
      return () => {
        wanted = false;
        clearTimeout(timer);
      };
    }, [Loaded]);
    return Loaded ? <Loaded {...props} /> : <Waiting {...props} />;
  };
}
