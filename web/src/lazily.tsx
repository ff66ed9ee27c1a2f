/** Panels that are fetched when they are first used, so that the first map does not wait for them. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/**
 * A component whose code comes later.
 *
 * @param load imports the module and picks the component; asked once, and again after a failure
 * @param Waiting stands in its place meanwhile
 */
export function lazily<P extends object>(
  load: () => Promise<ComponentType<P>>,
  Waiting: ComponentType,
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
            if (wanted) setLoaded(() => component);
          },
          () => {
            // The server is away: what is missing comes when it is back.
            if (wanted) timer = window.setTimeout(attempt, 2000);
          },
        );
      };
      attempt();
      return () => {
        wanted = false;
        clearTimeout(timer);
      };
    }, [Loaded]);
    return Loaded ? <Loaded {...props} /> : <Waiting />;
  };
}
