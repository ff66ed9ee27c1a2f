/** The histogram of the legend, with two handles that leave only a span of values on the map. */
import { numbersIn } from './format';
import { histogramOf } from './histogram';
import { loaded } from './loading';
import type { Model } from './model';
import type { Scale } from './scale';

const HEIGHT = 36;

function clamped(at: number, most: number): number {
  return Math.min(Math.max(at, 0), most);
}

export function HistogramView({ model, scale }: { model: Model; scale: Scale }) {
  const t = model.texts.value;
  const distribution = loaded(model.distribution.value);
  const histogram = distribution && histogramOf(distribution, scale);
  if (!histogram) return null;
  const { bins, place } = histogram;
  const numbers = numbersIn(model.lang.value);
  const only = model.view.value.only;
  const start = only?.low == null ? 0 : clamped(Math.round(place(only.low)), bins.length);
  const end = only?.high == null ? bins.length : clamped(Math.round(place(only.high)), bins.length);
  const edge = (index: number) => Number(histogram.edge(index).toPrecision(3));
  const hovered = model.hovered.value?.value ?? null;
  const needle = hovered === null ? null : clamped(place(hovered), bins.length);

  const choose = (from: number, to: number) => {
    // The outermost places stand for everything beyond them.
    const span = {
      low: from <= 0 ? null : edge(from),
      high: to >= bins.length ? null : edge(to),
    };
    model.update({ only: span.low === null && span.high === null ? null : span }, true);
  };
  const unit = t.units[model.unit.value];
  const handle = (index: number, label: string, open: boolean, move: (to: number) => void) => (
    <input
      type="range"
      min={0}
      max={bins.length}
      step={1}
      value={index}
      aria-label={label}
      aria-valuetext={open ? t.explore.onlyAll : `${numbers.exact(edge(index))} ${unit}`}
      onInput={(event) => {
        move(event.currentTarget.valueAsNumber);
      }}
    />
  );

  return (
    <div class="histogram" data-testid="histogram">
      <svg viewBox={`0 0 ${bins.length} ${HEIGHT}`} preserveAspectRatio="none" role="img">
        <title>{t.explore.histogram}</title>
        {bins.map(({ height, colour, from }, index) => {
          // What occurs at all must be seen.
          const tall = height === 0 ? 0 : Math.max(height * HEIGHT, 1);
          return (
            <rect
              key={from}
              x={index + 0.06}
              y={HEIGHT - tall}
              width={0.88}
              height={tall}
              fill={colour}
              opacity={index >= start && index < end ? 1 : 0.25}
            />
          );
        })}
        {needle !== null && <line class="needle" x1={needle} x2={needle} y1={0} y2={HEIGHT} />}
      </svg>
      <div class="handles">
        {handle(start, t.explore.onlyLow, start === 0, (to) => {
          choose(Math.min(to, end - 1), end);
        })}
        {handle(end, t.explore.onlyHigh, end === bins.length, (to) => {
          choose(start, Math.max(to, start + 1));
        })}
      </div>
      <div class="histogram-ends">
        <span>
          {start === 0 && edge(start) < 0
            ? t.belowShort(numbers.exact(edge(start)))
            : numbers.exact(edge(start))}
        </span>
        {only !== null && (
          <button
            type="button"
            class="link"
            onClick={() => {
              model.update({ only: null }, true);
            }}
          >
            {t.explore.onlyAll}
          </button>
        )}
        <span>
          {end === bins.length && edge(end) > 0
            ? t.fromShort(numbers.exact(edge(end)))
            : numbers.exact(edge(end))}
        </span>
      </div>
    </div>
  );
}
