/** The line between two maps that lie over one another: dragged, or moved with the arrow keys. */
import { useRef } from 'preact/hooks';
import { sideNames } from './compare_names';
import { numbersIn } from './format';
import type { Model } from './model';

/** A step of an arrow key, percent. */
const STEP = 2;

export function Divider({ model }: { model: Model }) {
  const line = useRef<HTMLDivElement>(null);
  const compare = model.compare.value;
  if (compare?.how !== 'swipe') return null;
  const t = model.texts.value;
  const names = sideNames(model);
  const move = (cut: number) => {
    model.update({ compare: { ...compare, cut: Math.round(Math.min(Math.max(cut, 0), 100)) } });
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
        style={{ insetInlineStart: `${compare.cut}%` }}
        role="slider"
        tabIndex={0}
        aria-label={t.compare.divider}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={compare.cut}
        aria-valuetext={t.compare.cutText(
          names.other,
          numbersIn(model.lang.value).percent(compare.cut / 100),
        )}
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
          move(end ?? compare.cut + (step ?? 0));
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
