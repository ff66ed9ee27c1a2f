/** A sheet over the page: a modal dialog with its own address, closed by Escape, its button or the back button. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { CloseButton } from './close_button';
import type { Model } from './model';
import type { Page } from './state';

export function Sheet(props: { model: Model; title: string; name: Page; children: ComponentChildren }) {
  const { model, title, name, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const t = model.texts.value;
  useLayoutEffect(() => {
    const element = dialog.current;
    // A modal dialog keeps the focus, and gives it back to what opened it.
    if (element && !element.open) element.showModal();
    return () => {
      element?.close();
    };
  }, []);
  const close = () => {
    model.update({ page: null });
  };
  return (
    <dialog
      ref={dialog}
      class="page-sheet"
      aria-labelledby={`sheet-${name}`}
      data-testid={`sheet-${name}`}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="page-sheet-box">
        <header>
          <h2 id={`sheet-${name}`}>{title}</h2>
          <CloseButton label={t.close} close={close} />
        </header>
        <div class="page-sheet-body">{children}</div>
      </div>
    </dialog>
  );
}
