/** What a scenario comes to: totals, path, target, sectors and what the city is like. */
import { numbersIn } from '../format';
import type { Model } from '../model';
import { withField, type Scenario } from './document';
import { NumberField } from './number_field';
import { PathChart } from './path_chart';
import { changedSectors, netAfter, type Summary } from './questions';
import { ResultBadges } from './result_badges';
import type { Run } from './run';
import { sessionOf } from './session';
import { textsOf } from './words';

/** The part of today's emissions that a change is; null where that would mislead. */
export function partOfToday({ change, baseline }: Summary): number | null {
  return baseline.net !== null && baseline.net > 0 ? change.net / baseline.net : null;
}

/** The numbers that must stay in sight while a slider moves. */
export function Headline({ model, run }: { model: Model; run: Run }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const summary = run.summary.value;
  const running = run.running.value;
  const progress = run.progress.value;
  if (!summary) return <div class="skeleton line-skeleton" role="status" aria-label={s.running} />;
  const { change, year } = summary;
  const after = netAfter(summary);
  const part = partOfToday(summary);
  const direction = change.net < 0 ? 'less' : change.net > 0 ? 'more' : 'same';
  return (
    <div class="scenario-headline" aria-busy={running} data-testid="scenario-headline">
      <i class={running ? 'progress on' : 'progress'} aria-hidden="true" />
      {progress !== null && (
        <p class="fine" data-testid="scenario-progress" role="status">
          {s.onRoads(numbers.percent(progress))}
        </p>
      )}
      <p class="headline-name">{s.net(year)}</p>
      <p class="headline-value" data-testid="scenario-net">
        {after === null ? (
          t.unknown
        ) : (
          <>
            <data value={String(after)}>{numbers.amount(after)}</data>{' '}
            <small title={t.unitTitles.t}>{t.units.t}</small>
          </>
        )}
      </p>
      <p class={`scenario-change ${direction}`} data-testid="scenario-change" role="status">
        <data value={String(change.net)}>
          {change.net === 0
            ? s.nothing
            : s.change(numbers.signed(change.net), part === null ? '–' : numbers.signedPercent(part))}
        </data>
      </p>
    </div>
  );
}

/** How sure the change is, and what kind of number it is. */
export function Sureness({ model, summary }: { model: Model; summary: Summary }) {
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  const [least, most] = summary.range;
  const leaves = summary.outcomes[0]?.leaves ?? 0;
  return (
    <div class="sureness">
      <ResultBadges
        model={model}
        region={sessionOf(model).told.value}
        assumed={summary.illustrative && summary.change.net !== 0}
      />
      {summary.interval && (
        <p class="interval" data-testid="scenario-interval">
          {s.interval(numbers.signed(summary.interval[0]), numbers.signed(summary.interval[1]))}
        </p>
      )}
      {least !== most && (
        <p class="interval" data-testid="scenario-range">
          {s.range(numbers.signed(least), numbers.signed(most))}
        </p>
      )}
      {leaves !== 0 && <p class="interval">{s.leaves(numbers.signed(leaves))}</p>}
      <p class="fine">
        {s.whatIf} {s.against(summary.baselineYear)}
      </p>
    </div>
  );
}

/** Year and target, and whether the target is reached. */
export function TargetFields(props: {
  model: Model;
  scenario: Scenario;
  summary: Summary;
  change: (scenario: Scenario) => void;
}) {
  const { model, scenario, summary, change } = props;
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  const { target } = summary;
  const after = netAfter(summary);
  const gap = target === null || after === null ? null : after - target;
  const reduction = scenario.target?.reduction;
  return (
    <>
      <div class="target-fields">
        <label class="field">
          <span>{s.targetYear}</span>
          <NumberField
            id="scenario-year"
            min={summary.baselineYear}
            max={2150}
            value={scenario.year}
            choose={(given) => {
              if (given === null) return;
              const year = Math.round(given);
              const measures = scenario.measures.map((one) =>
                one.start !== undefined && one.start > year ? withField(one, 'start', year) : one,
              );
              change({ ...scenario, year, measures });
            }}
          />
        </label>
        <label class="field" title={s.targetHelp}>
          <span>{s.target}, −%</span>
          <NumberField
            id="scenario-target"
            min={0}
            max={100}
            aria-label={s.targetHelp}
            value={reduction === undefined ? null : Number((reduction * 100).toFixed(2))}
            choose={(given) => {
              change(withField(scenario, 'target', given === null ? undefined : { reduction: given / 100 }));
            }}
          />
        </label>
      </div>
      {gap !== null && (
        <p class={gap <= 0 ? 'verdict met' : 'verdict missed'} data-testid="verdict" role="status">
          {gap <= 0 ? s.targetMet(numbers.amount(-gap)) : s.targetMissed(numbers.amount(gap))}
        </p>
      )}
    </>
  );
}

export function SectorChanges({ model, summary }: { model: Model; summary: Summary }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const sectors = changedSectors(summary);
  const most = Math.max(...sectors.map((sector) => Math.abs(summary.change[sector])), 1e-9);
  return (
    <section>
      <h3>
        {s.bySector} <small>{t.units.t}</small>
      </h3>
      <ul class="sector-changes">
        {sectors.map((sector) => {
          const change = summary.change[sector];
          return (
            <li key={sector} data-testid={`change-${sector}`}>
              <span>
                <i class={`dot dot-${sector}`} aria-hidden="true" /> {t.sectors[sector]}
              </span>
              <span class="change-bar" aria-hidden="true">
                <i
                  class={change < 0 ? 'less' : 'more'}
                  style={{ inlineSize: `${(Math.abs(change) / most) * 50}%` }}
                />
              </span>
              <data value={String(change)}>{numbers.signed(change)}</data>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export function IndicatorTable({ model, summary }: { model: Model; summary: Summary }) {
  const s = textsOf(model);
  const numbers = numbersIn(model.lang.value);
  const rows = Object.keys(s.indicatorNames).filter((name) => typeof summary.before[name] === 'number');
  const told = (value: number | null | undefined) =>
    typeof value !== 'number' ? '–' : value >= 1000 ? numbers.count(value) : numbers.amount(value);
  return (
    <table class="files indicators" data-testid="indicators">
      <thead>
        <tr>
          <th scope="col">{s.indicators}</th>
          <th scope="col">{s.before}</th>
          <th scope="col">{s.after}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((name) => (
          <tr key={name}>
            <th scope="row">{s.indicatorNames[name]}</th>
            <td class="number">{told(summary.before[name])}</td>
            <td class="number">{told(summary.after[name])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Path({ model, summary, name }: { model: Model; summary: Summary; name: string }) {
  const s = textsOf(model);
  if (summary.baseline.net === null) return null;
  return (
    <section>
      <h3>
        {s.path} <small>{model.texts.value.units.t}</small>
      </h3>
      <PathChart
        lines={[{ name, summary }]}
        s={s}
        t={model.texts.value}
        numbers={numbersIn(model.lang.value)}
      />
    </section>
  );
}
