/** A number that is typed: it counts once the field is left, and what is typed meanwhile is not written over. */
import { useSignal } from '@preact/signals';

interface Others {
  readonly id?: string;
  readonly step?: string;
  readonly inputMode?: 'decimal';
  readonly placeholder?: string;
  readonly 'aria-label'?: string;
  readonly 'aria-describedby'?: string;
  readonly 'data-parameter'?: string;
}

/**
 * @param value null: the field is empty
 * @param choose is given null where the field was emptied, else a number within `min` and `max`
 */
export function NumberField(
  props: Others & {
    value: number | null;
    min?: number;
    max?: number;
    choose: (value: number | null) => void;
  },
) {
  const { value, choose, min, max, ...others } = props;
  const typed = useSignal<string | null>(null);
  return (
    <input
      {...others}
      {...(min === undefined ? {} : { min })}
      {...(max === undefined ? {} : { max })}
      type="number"
      value={typed.value ?? value ?? ''}
      onInput={(event) => {
        typed.value = event.currentTarget.value;
      }}
      onChange={(event) => {
        const { valueAsNumber } = event.currentTarget;
        typed.value = null;
        choose(
          Number.isNaN(valueAsNumber)
            ? null
            : Math.min(Math.max(valueAsNumber, min ?? -Infinity), max ?? Infinity),
        );
      }}
    />
  );
}
