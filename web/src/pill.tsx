/** One of several choices, as a native radio in the shape of a pill. */
import type { ComponentChildren } from 'preact';

export function Pill(props: {
  name: string;
  value: string;
  checked: boolean;
  disabled?: boolean;
  title?: string;
  choose: () => void;
  children: ComponentChildren;
}) {
  return (
    <label class="pill" title={props.title}>
      <input
        type="radio"
        name={props.name}
        value={props.value}
        checked={props.checked}
        disabled={props.disabled ?? false}
        onChange={props.choose}
      />
      <span>{props.children}</span>
    </label>
  );
}
