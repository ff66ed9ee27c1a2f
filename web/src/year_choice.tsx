/** The year: a slider for hand and arrow keys, and a film of all years. */
import type { Model } from './model';

export function YearChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  const years = model.region.value?.years ?? [];
  const year = model.year.value;
  if (years.length < 2 || year === null) return null;
  const playing = model.playing.value;
  const label = playing ? t.explore.pause : t.explore.play;
  return (
    <div class="choice year-choice">
      <div class="year-line">
        <button
          type="button"
          class="play"
          aria-label={label}
          title={label}
          aria-pressed={playing}
          onClick={() => {
            model.playing.value = !playing;
          }}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d={playing ? 'M5 3v10M11 3v10' : 'M5 3l8 5-8 5z'} />
          </svg>
        </button>
        <label class="year-name" for="year">
          <span class="visually-hidden">{t.year} </span>
          <output for="year">{year}</output>
        </label>
        <span class="year-slide">
          <span aria-hidden="true">{years[0]}</span>
          <input
            id="year"
            class="slider"
            type="range"
            min={0}
            max={years.length - 1}
            step={1}
            value={years.indexOf(year)}
            aria-valuetext={String(year)}
            onInput={(event) => {
              model.playing.value = false;
              model.update({ year: years[event.currentTarget.valueAsNumber] ?? null });
            }}
          />
          <span aria-hidden="true">{years.at(-1)}</span>
        </span>
      </div>
    </div>
  );
}
