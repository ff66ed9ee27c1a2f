/** How the map draws: classes, marks of uncertainty, columns, opacity, light or dark. Folded away until wanted. */
import { numbersIn } from './format';
import { BREAKS, DOUBTS, GROUNDS, LEAST_OPACITY, MARKS } from './look';
import type { Model } from './model';
import { Pill } from './pill';

function Choice<T extends string>(props: {
  name: string;
  title: string;
  words: readonly T[];
  chosen: T;
  texts: Readonly<Record<T, string>>;
  disabled?: boolean;
  choose: (word: T) => void;
}) {
  return (
    <fieldset class="choice">
      <legend>{props.title}</legend>
      <div class="pills">
        {props.words.map((word) => (
          <Pill
            key={word}
            name={props.name}
            value={word}
            checked={props.chosen === word}
            disabled={props.disabled ?? false}
            choose={() => {
              props.choose(word);
            }}
          >
            {props.texts[word]}
          </Pill>
        ))}
      </div>
    </fieldset>
  );
}

export function Display({ model }: { model: Model }) {
  const t = model.texts.value;
  const view = model.view.value;
  const whole = model.part.value === null;
  return (
    <details class="display">
      <summary>{t.explore.display}</summary>
      <div class="display-body">
        <label class="choice">
          <span class="choice-name">{t.explore.breaks}</span>
          <select
            class="select"
            value={view.breaks}
            onChange={(event) => {
              const chosen = BREAKS.find((word) => word === event.currentTarget.value);
              if (chosen) model.update({ breaks: chosen });
            }}
          >
            {BREAKS.map((word) => (
              <option key={word} value={word}>
                {t.explore.breaksChoices[word]}
              </option>
            ))}
          </select>
          <span class="fine">{t.explore.breaksNote}</span>
        </label>
        <div>
          <Choice
            name="doubt"
            title={t.explore.doubt}
            words={DOUBTS}
            chosen={view.doubt}
            texts={t.explore.doubtChoices}
            disabled={!whole}
            choose={(doubt) => {
              model.update({ doubt });
            }}
          />
          {!whole && <p class="fine">{t.explore.doubtNote}</p>}
        </div>
        <Choice
          name="mark"
          title={t.explore.mark}
          words={MARKS}
          chosen={view.mark}
          texts={t.explore.markChoices}
          disabled={!whole || view.doubt === 'off'}
          choose={(mark) => {
            model.update({ mark });
          }}
        />
        <label class="tick">
          <input
            type="checkbox"
            checked={view.tall}
            onChange={(event) => {
              model.update({ tall: event.currentTarget.checked });
            }}
          />
          <span>{t.explore.tall}</span>
        </label>
        {/* By its id: without it the label would be the output's, and the slider would have no name. */}
        <label class="choice" for="opacity">
          <span class="choice-name">
            {t.explore.opacity} <output>{numbersIn(model.lang.value).percent(view.opacity / 100)}</output>
          </span>
          <input
            id="opacity"
            class="slider"
            type="range"
            min={LEAST_OPACITY}
            max={100}
            step={5}
            value={view.opacity}
            onInput={(event) => {
              model.update({ opacity: event.currentTarget.valueAsNumber });
            }}
          />
        </label>
        {model.region.value?.baseMap && (
          <label class="tick">
            <input
              type="checkbox"
              checked={view.base}
              onChange={(event) => {
                model.update({ base: event.currentTarget.checked });
              }}
            />
            <span>{t.explore.base}</span>
          </label>
        )}
        <Choice
          name="ground"
          title={t.explore.ground}
          words={GROUNDS}
          chosen={view.ground}
          texts={t.explore.groundChoices}
          choose={(ground) => {
            model.update({ ground });
          }}
        />
      </div>
    </details>
  );
}
