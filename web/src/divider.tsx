/** The line between two maps that lie over one another: dragged, or moved with the arrow keys. */
import { useRef } from 'preact/hooks';
import { sideNames } from './compare_names';
import { numbersIn } from './format';
import type { Model } from './model';

/** A step of an arrow key, percent. */
const STEP = 2;

export function DividerLine(props: {
  /** Percent of the map that is left of it. */
  cut: number;
  label: string;
  /** Where it stands, in words. */
  told: string;
  move: (cut: number) => void;
}) {
  const { cut, label, told } = props;
  const line = useRef<HTMLDivElement>(null);
  const move = (to: number) => {
    props.move(Math.round(Math.min(Math.max(to, 0), 100)));
  };
  const drag = (event: PointerEvent) => {
    const room = line.current?.parentElement?.getBoundingClientRect();
    if (!room || !(event.buttons & 1)) return;
    move(((event.clientX - room.left) / room.width) * 100);
  };
  return (
    <div class="divider-room">
      <div
        class="divider"
        ref={line}
        style={{ insetInlineStart: `${cut}%` }}
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={cut}
        aria-valuetext={told}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          event.preventDefault();
          event.currentTarget.focus();
        }}
        onPointerMove={drag}
        onKeyDown={(event) => {
          const step = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP }[event.key];
          const end = { Home: 0, End: 100 }[event.key];
          if (step === undefined && end === undefined) return;
          event.preventDefault();
          event.stopPropagation();
          move(end ?? cut + (step ?? 0));
        }}
      >
        <i aria-hidden="true">
          <svg viewBox="0 0 16 16">
            <path d="M6 4 2.5 8 6 12M10 4l3.5 4L10 12" />
          </svg>
        </i>
      </div>
    </div>
  );
}

export function Divider({ model }: { model: Model }) {
  const compare = model.compare.value;
  if (compare?.how !== 'swipe') return null;
  const t = model.texts.value;
  return (
    <DividerLine
      cut={compare.cut}
      label={t.compare.divider}
      told={t.compare.cutText(sideNames(model).other, numbersIn(model.lang.value).percent(compare.cut / 100))}
      move={(cut) => {
        model.update({ compare: { ...compare, cut } });
      }}
    />
  );
}
