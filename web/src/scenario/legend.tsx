/** What the colours of a scenario's map stand for. */
import { numbersIn } from '../format';
import { lazily } from '../lazily';
import { lineLabel, shortLabel } from '../legend';
import type { Model } from '../model';
import { legendLines } from '../scale';
import { scenarioPicture } from './map_view';
import { ResultBadges } from './result_badges';
import { sessionOf } from './session';
import { spoken, textsOf, titleOf } from './words';

const PlanLegend = lazily(
  async () => (await import('../plan/plan_legend')).PlanLegend,
  () => null,
);

export function ScenarioLegend({ model }: { model: Model }) {
  return model.view.value.plan ? <PlanLegend model={model} /> : <ResultLegend model={model} />;
}

const ResultLegend = spoken(function ResultLegend({ model }: { model: Model }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const session = sessionOf(model);
  const shown = scenarioPicture(model, session);
  const summary = session.runs[session.at.value]?.summary.value;
  if (!shown || !summary) return null;
  const change = shown.moment === 'change';
  const lines = legendLines(shown.scale);
  const middle = lines.findIndex(({ at }) => at === 'zero');
  return (
    <section class="legend" aria-label={t.legend} data-testid="legend">
      <header class="legend-head">
        <h2>{change ? `${s.mapTitle}: ${t.sectors[shown.sector]}` : t.sectorTitles[shown.sector]}</h2>
        <p>
          {s.mapUnit} · {summary.baselineYear} → {summary.year}
          {' · '}
          <span translate={false}>{titleOf(shown.of, model)}</span>
        </p>
        <ResultBadges
          model={model}
          region={session.told.value}
          sector={shown.sector}
          assumed={summary.illustrative && summary.change.net !== 0}
        />
      </header>
      {change && (
        <p class="legend-ends" aria-hidden="true">
          <span>← {s.less}</span>
          <span>{s.more} →</span>
        </p>
      )}
      <ul class="legend-classes scenario-classes">
        {lines.toReversed().map((line) => {
          const { entry, at } = line;
          const place = lines.indexOf(line);
          const bound = place < middle ? entry?.to : (entry?.from ?? entry?.to);
          return (
            <li key={at} class="legend-row">
              <span class="swatch" style={{ backgroundColor: line.colour }} aria-hidden="true" />
              <span class="legend-label">{lineLabel(line, t, numbers)}</span>
              <span class="legend-short" aria-hidden="true">
                {entry === null
                  ? '0'
                  : !change
                    ? shortLabel(entry, t, numbers)
                    : bound
                      ? numbers.exact(bound)
                      : ''}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
});
