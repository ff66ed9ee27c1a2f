/** Brings the parts together: the browser's surroundings in, the page out. */
import { effect, signal } from '@preact/signals';
import { h, render } from 'preact';
import 'maplibre-gl/dist/maplibre-gl.css';
import { createApi } from './api';
import { App } from './app';
import type { Ground } from './layers/theme';
import { createModel, type Address } from './model';
import { pageTexts } from './texts/texts';
import './base.css';
import './page.css';
import './choices.css';
import './legend.css';
import './over_map.css';
import './notices.css';
import './card.css';
import './breakdown.css';
import './trend.css';
import './receipt.css';
import './measure.css';
import './keys.css';
import './search.css';
import './table.css';
import './compare.css';
import './sheet.css';
import './report.css';

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
  effect(() => {
    document.documentElement.dataset.ground = model.ground.value;
  });
  // In English for a moment, and then in another language, would be worse than a moment later.
  await pageTexts.bring(model.lang.value);
  render(h(App, { model }), page);
}
