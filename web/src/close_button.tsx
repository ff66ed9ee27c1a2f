/** The cross in the corner of whatever can be closed. */

export function CloseButton({ label, close }: { label: string; close: () => void }) {
  return (
    <button type="button" class="close" aria-label={label} title={label} onClick={close}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M3.5 3.5l9 9m0-9l-9 9" />
      </svg>
    </button>
  );
}
