/** The legend: drawn from the very scale that colours the map. */
import { mayBeHeld } from './sectors';
import { Badges } from './badges';
import { sideNames } from './compare_names';
import { doubtLabel } from './doubt';
import { HistogramView } from './histogram_view';
import { shownTitle } from './part_choice';
import { textIn, numbersIn, type Numbers } from './format';
import { UNKNOWN } from './layers/theme';
import type { Hovered, Model } from './model';
import { classOf, legendLines, type LegendLine, type ScaleClass } from './scale';
import type { Texts } from './texts/texts';

/** What a class is called, e.g. `120 to 310`. */
function classLabel({ from, to }: ScaleClass, t: Texts, numbers: Numbers): string {
  if (from !== null && to !== null) return t.between(numbers.exact(from), numbers.exact(to));
  if (to !== null) return t.below(numbers.exact(to));
  return from === null ? t.unknown : t.from(numbers.exact(from));
}

/** What a line of the legend is called: a class by its bounds, zero by its name. */
export function lineLabel({ entry }: LegendLine, t: Texts, numbers: Numbers): string {
  return entry === null ? t.zero : classLabel(entry, t, numbers);
}

/** The class by its lower bound alone; zero itself has a colour of its own. */
export function shortLabel({ from, to }: ScaleClass, t: Texts, numbers: Numbers): string {
  if (from === 0 && to !== null) return '>0';
  if (from === null) return to === null ? '' : t.belowShort(numbers.exact(to));
  return to === null ? t.fromShort(numbers.exact(from)) : numbers.exact(from);
}

function Row(props: { colour: string; label: string; short?: string; now: boolean; kind?: string }) {
  const { colour, label, short, now, kind } = props;
  return (
    <li class={now ? 'legend-row now' : 'legend-row'}>
      <span
        class={kind ? `swatch ${kind}` : 'swatch'}
        style={{ backgroundColor: colour }}
        aria-hidden="true"
      />
      <span class="legend-label">{label}</span>
      {short !== undefined && (
        <span class="legend-short" aria-hidden="true">
          {short}
        </span>
      )}
    </li>
  );
}

const LETTERS_OF_A_LINE = 48; // of 11 px, beside each other in the panel

/** Whether the labels of classes need two lines, taking turns, to be told apart. */
function isCrowded(classes: readonly ScaleClass[], t: Texts, numbers: Numbers): boolean {
  const longest = Math.max(...classes.map((entry) => shortLabel(entry, t, numbers).length));
  return longest * (classes.length + 1) > LETTERS_OF_A_LINE; // zero is one more
}

/** What the colour under the pointer stands for; null: not known. */
export function amountAt({ value, other }: Hovered, differing: boolean): number | null {
  if (!differing) return value;
  return value === null || other === null ? null : value - other;
}

export function Legend({ model }: { model: Model }) {
  const t = model.texts.value;
  const sector = model.sector.value;
  const unit = model.unit.value;
  const compare = model.compare.value;
  const differing = compare?.how === 'difference';
  const names = sideNames(model);
  const scale = differing ? model.differenceScale.value : model.scale.value;
  const distribution = differing ? model.differenceSpread.value : model.distribution.value;
  const active = model.active.value;
  const ground = model.ground.value;
  const hovered = model.hovered.value;
  const inView = model.inView.value;
  const numbers = numbersIn(model.lang.value);
  const at = hovered && amountAt(hovered, differing);
  const now = hovered && scale ? (at === null ? 'unknown' : classOf(scale, at)) : null;

  return (
    <section class="legend" aria-label={t.legend} data-testid="legend">
      <header class="legend-head">
        <h2>{shownTitle(sector, model.part.value, t)}</h2>
        <p>
          <abbr title={t.unitTitles[unit]}>{t.units[unit]}</abbr>
          {model.year.value !== null && (
            <>
              {' · '}
              {differing ? t.compare.differenceOf(names.now, names.other) : t.perYear(model.year.value)}
              {differing && compare.by !== 'year' && ` · ${t.perYear(model.year.value)}`}
            </>
          )}
          {active && (
            <>
              {' '}
              · <span translate={false}>{textIn(active.title, model.lang.value)}</span>
            </>
          )}
        </p>
        <p class="badges">
          <Badges model={model} sector={sector} />
        </p>
      </header>
      {(distribution.state === 'loading' || distribution.state === 'idle') && (
        <div class="skeleton legend-skeleton" aria-hidden="true" />
      )}
      {distribution.state === 'ready' && !scale && (
        <p class="empty" role="status" data-testid="empty">
          <strong>{t.empty}</strong> {sector === 'net' ? t.emptyNet : t.emptyDetail}
        </p>
      )}
      {scale && !differing && <HistogramView model={model} scale={scale} />}
      {scale && (
        <ul class={isCrowded(scale.classes, t, numbers) ? 'legend-classes crowded' : 'legend-classes'}>
          {legendLines(scale)
            .toReversed()
            .map((line) => (
              <Row
                key={line.at}
                colour={line.colour}
                label={lineLabel(line, t, numbers)}
                short={line.entry === null ? t.zero : shortLabel(line.entry, t, numbers)}
                now={now === line.at}
              />
            ))}
        </ul>
      )}
      {scale && (
        <ul class="legend-notes">
          {inView.unknown && <Row colour={UNKNOWN[ground]} label={t.unknown} now={now === 'unknown'} />}
          {model.picture.value?.difference?.less.uncertain && model.view.value.doubt !== 'off' && (
            <Row
              colour="transparent"
              kind={model.view.value.doubt === 'fade' ? 'swatch-faded' : 'swatch-doubt'}
              label={t.compare.indistinctLegend}
              now={hovered?.indistinct ?? false}
            />
          )}
          {inView.doubtful && !differing && (
            <Row
              colour="transparent"
              kind={model.view.value.doubt === 'fade' ? 'swatch-faded' : 'swatch-doubt'}
              label={doubtLabel({ sector, by: model.view.value.mark }, t)}
              now={hovered?.doubtful ?? false}
            />
          )}
          {inView.held && mayBeHeld(sector) && (
            <Row colour="transparent" kind="swatch-held" label={t.held} now={hovered?.held ?? false} />
          )}
        </ul>
      )}
    </section>
  );
}
