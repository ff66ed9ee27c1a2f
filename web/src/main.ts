/** Brings the parts together: the browser's surroundings in, the page out. */
import { effect, signal } from '@preact/signals';
import { h, render } from 'preact';
import { createApi } from './api';
import type { Ground } from './layers/theme';
import { createModel, type Address } from './model';
import { NO_TEXTS, pageTexts } from './texts/texts';

const AGAIN_AFTER_MS = 2000;

const dark = matchMedia('(prefers-color-scheme: dark)');
const ground = signal<Ground>(dark.matches ? 'dark' : 'light');
dark.addEventListener('change', () => {
  ground.value = dark.matches ? 'dark' : 'light';
});

const address: Address = {
  read: () => location.search,
  push(search) {
    history.pushState(null, '', location.pathname + search);
  },
  replace(search) {
    history.replaceState(null, '', location.pathname + search);
  },
  onReturn(then) {
    addEventListener('popstate', then);
  },
};

const page = document.getElementById('app');
if (page) {
  const api = createApi(new URL('api/', document.baseURI).href);
  const model = createModel({ api, address, languages: navigator.languages, ground });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) model.published.look();
  });
  effect(() => {
    document.documentElement.dataset.ground = model.ground.value;
  });
  // The model asks its first questions while the code that draws, and its texts, are still being read. Not awaited: what
  // draws waits for this file to be done.
  const draw = () => {
    const texts = () => pageTexts.in(model.lang.peek());
    void Promise.all([import('./app'), pageTexts.bring(model.lang.peek())])
      .then(([{ App }]) => (texts() ? App : null))
      .catch(() => null)
      .then((App) => {
        if (App) {
          page.textContent = '';
          render(h(App, { model }), page);
        } else {
          // The server went away, or has other files since: nothing else would say so.
          page.textContent = texts()?.malformedDetail ?? NO_TEXTS;
          setTimeout(draw, AGAIN_AFTER_MS);
        }
      });
  };
  draw();
}
