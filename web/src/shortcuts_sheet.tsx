/** The `?` sheet: every key, and the switch that turns single keys off. */
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { CloseButton } from './close_button';
import type { Model } from './model';
import { FIXED_KEYS, isTyping, KEYS, press } from './shortcuts';

const REMEMBERED = 'carbonmap.keys';

/** Whether single keys were left on; a browser may refuse to remember anything. */
function readOn(): boolean {
  try {
    return localStorage.getItem(REMEMBERED) !== 'off';
  } catch {
    return true;
  }
}

function writeOn(on: boolean): void {
  try {
    localStorage.setItem(REMEMBERED, on ? 'on' : 'off');
  } catch {
    // Then it holds for this visit.
  }
}

function Keys({ keys, or }: { keys: readonly string[]; or: string }) {
  return (
    <span class="keys">
      {keys.map((key, index) => (
        <span key={key}>
          {index > 0 && <span class="visually-hidden"> {or} </span>}
          <kbd translate={false}>{key}</kbd>
        </span>
      ))}
    </span>
  );
}

export function Shortcuts({ model }: { model: Model }) {
  const on = useSignal(readOn());
  const t = model.texts.value;
  const sheet = useRef<HTMLDialogElement>(null);
  const open = model.sheet.value === 'keys';

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      // A page over the map, or in its place, has the keys to itself.
      if (isTyping(event) || event.defaultPrevented || model.view.value.page !== null) return;
      if (event.key === '?') {
        model.sheet.value = 'keys';
        event.preventDefault();
      } else if (on.value && model.sheet.value === null && press(model, event.key)) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => {
      removeEventListener('keydown', onKey);
    };
  }, [model, on]);

  useLayoutEffect(() => {
    if (open) sheet.current?.showModal();
    else sheet.current?.close();
  }, [open]);

  return (
    <dialog
      class="sheet"
      ref={sheet}
      aria-labelledby="keys-title"
      onClose={() => {
        model.sheet.value = null;
      }}
      onClick={(event) => {
        // The dialog itself is hit only beside its content.
        if (event.target === sheet.current) sheet.current?.close();
      }}
    >
      {open && (
        <div class="sheet-body">
          <header class="sheet-head">
            <h2 id="keys-title">{t.explore.keys}</h2>
            <CloseButton
              label={t.close}
              close={() => {
                sheet.current?.close();
              }}
            />
          </header>
          <label class="tick">
            <input
              type="checkbox"
              checked={on.value}
              onChange={(event) => {
                on.value = event.currentTarget.checked;
                writeOn(on.value);
              }}
            />
            <span>{t.explore.keysOn}</span>
          </label>
          {!on.value && <p class="fine">{t.explore.keysOff}</p>}
          <dl class="keys-list">
            {[...KEYS, ...FIXED_KEYS].map(([name, keys]) => (
              <div key={name}>
                <dt>
                  <Keys keys={keys} or={t.explore.or} />
                </dt>
                <dd>{t.explore.keyTexts[name]}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </dialog>
  );
}

export function ShortcutsButton({ model }: { model: Model }) {
  const t = model.texts.value;
  return (
    <button
      type="button"
      class="link"
      onClick={() => {
        model.sheet.value = 'keys';
      }}
    >
      {t.explore.keys} <kbd aria-hidden="true">?</kbd>
    </button>
  );
}
