/** Finds places by name, code or coordinates: a combobox by the ARIA pattern, so that keys and readers know it. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useAsked } from './asked';
import { textIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { askPlaces, type Found } from './questions';

const MOST = 8;
/** Long enough that a word typed fast is one question, short enough not to be felt. */
const PAUSE_MS = 160;

function useSettled(words: string): string {
  const [settled, setSettled] = useState(words);
  useEffect(() => {
    const timer = setTimeout(() => {
      setSettled(words);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [words]);
  return settled;
}

export function SearchBox({ model }: { model: Model }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const region = model.region.value;
  const words = useSignal('');
  const open = useSignal(false);
  const marked = useSignal(0);
  const input = useRef<HTMLInputElement>(null);
  const asked = useSettled(words.value.trim());
  const answer = useAsked(
    model,
    region && open.value && asked !== '' ? JSON.stringify([region.id, region.edition, asked]) : null,
    (signal) =>
      askPlaces(model.api, { region: region?.id ?? '', edition: region?.edition ?? '' }, asked, MOST, signal),
  );
  const finding = loaded(answer);
  const places = finding?.places ?? [];
  const shown = open.value && words.value.trim() !== '';
  const at = Math.min(marked.value, places.length - 1);

  // A slash goes to the search, as on other maps, unless somebody is writing.
  useEffect(() => {
    const find = (event: KeyboardEvent) => {
      const writing = event.target instanceof Element && event.target.matches('input, textarea, select');
      if (event.key !== '/' || writing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', find);
    return () => {
      removeEventListener('keydown', find);
    };
  }, []);

  const choose = (place: Found) => {
    words.value = textIn(place.name, lang) || place.id;
    open.value = false;
    model.open({ collection: place.collection, id: place.id }, place.bbox);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // Letters of Hangul are put together with Enter and arrows too.
    if (event.isComposing) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      if (open.value && places.length > 0) marked.value = (at + step + places.length) % places.length;
      open.value = true;
    } else if (event.key === 'Enter') {
      const place = shown ? places[at] : undefined;
      if (place) choose(place);
      else open.value = true;
    } else if (event.key === 'Escape' && (open.value || words.value !== '')) {
      // This Escape is meant for the search, not for the card.
      event.stopPropagation();
      if (open.value) open.value = false;
      else words.value = '';
    }
  };

  return (
    <div class="search" role="search">
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zm3.3 7.8 3.2 3.2" />
      </svg>
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label={t.search.label}
        aria-expanded={shown && places.length > 0}
        aria-controls="search-places"
        aria-autocomplete="list"
        {...(shown && places.length > 0 ? { 'aria-activedescendant': `search-place-${at}` } : {})}
        placeholder={t.search.label}
        title={t.search.hint}
        autocomplete="off"
        spellcheck={false}
        maxLength={200}
        value={words.value}
        onInput={(event) => {
          words.value = event.currentTarget.value;
          open.value = true;
          marked.value = 0;
        }}
        onFocus={(event) => {
          open.value = true;
          event.currentTarget.select();
        }}
        onBlur={() => {
          open.value = false;
        }}
        onKeyDown={onKeyDown}
      />
      <ul
        id="search-places"
        role="listbox"
        aria-label={t.search.found}
        class={shown && places.length > 0 ? 'found' : 'visually-hidden'}
      >
        {shown &&
          places.map((place, index) => {
            const name = textIn(place.name, lang);
            return (
              <li
                key={`${place.collection}/${place.id}`}
                id={`search-place-${index}`}
                role="option"
                aria-selected={index === at}
                class={index === at ? 'marked' : ''}
                onPointerDown={(event) => {
                  // The input keeps its focus, so that the list is still there when the press ends.
                  event.preventDefault();
                }}
                onPointerMove={() => {
                  marked.value = index;
                }}
                onClick={() => {
                  choose(place);
                }}
              >
                <span translate={false}>{name === '' ? place.id : name}</span>
                <small translate={false}>{textIn(place.title, lang)}</small>
              </li>
            );
          })}
      </ul>
      <p class={shown && answer.state !== 'ready' ? 'found found-note' : 'visually-hidden'} role="status">
        {shown && answer.state === 'loading' && t.search.asking}
        {shown && answer.state === 'failed' && (answer.problem.kind === 'away' ? t.away : t.refused)}
        {shown && finding && places.length > 0 && t.search.count(places.length, finding.more)}
      </p>
      {shown && finding && places.length === 0 && (
        <p class="found found-note" role="status" data-testid="nothing-found">
          {t.search.nothing}
        </p>
      )}
    </div>
  );
}
