/** Up to three scenarios side by side: one chart, one table. */
import { numbersIn } from '../format';
import type { Model } from '../model';
import { PathChart } from './path_chart';
import { changedSectors, netIn, type Summary } from './questions';
import { sessionOf } from './session';
import { letterOf, nameOfScenario, textsOf } from './words';

export function Comparison({ model }: { model: Model }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  const { slots, runs } = sessionOf(model);
  const known = slots.value.flatMap(({ scenario }, index) => {
    const summary = runs[index]?.summary.value;
    return scenario && summary
      ? [{ name: nameOfScenario(scenario, index, s), letter: letterOf(index), summary }]
      : [];
  });
  if (known.length < 2) return null;
  const sectors = [...new Set(known.flatMap(({ summary }) => changedSectors(summary)))];
  // Net is told of the last year that all of them reach; what else there is stands under the year of each.
  const years = known.map(({ summary }) => summary.year);
  const common = Math.min(...years);
  const apart = years.some((year) => year !== common);
  const netThen = (summary: Summary) => netIn(summary, common);
  const nets = known.map(({ summary }) => netThen(summary));
  const least = Math.min(...nets.filter((net) => net !== null));
  const rows: readonly (readonly [string, (summary: Summary) => number | null, boolean])[] = [
    [s.net(common), netThen, false],
    [t.sectors.net, ({ change }) => change.net, true],
    ...sectors.map(
      (sector) => [t.sectors[sector], (summary: Summary) => summary.change[sector], true] as const,
    ),
    [s.indicatorNames.mean_trip_length_km ?? '', ({ after }) => after.mean_trip_length_km ?? null, false],
    [s.indicatorNames.green_m2_per_person ?? '', ({ after }) => after.green_m2_per_person ?? null, false],
  ];
  return (
    <section data-testid="comparison">
      <h3>
        {s.comparison} <small>{t.units.t}</small>
      </h3>
      <PathChart lines={known} s={s} t={t} numbers={numbers} />
      <div class="scrolled">
        <table class="files side-by-side">
          <thead>
            <tr>
              <td />
              {known.map(({ name, letter, summary }, index) => (
                <th key={letter} scope="col" class={`line-${index}`}>
                  <i aria-hidden="true" />
                  <span translate={false}>{name}</span>
                  {apart && <small> {summary.year}</small>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, valueOf, signed], row) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {known.map(({ letter, summary }, index) => {
                  const value = valueOf(summary);
                  const best = row === 0 && nets[index] === least && nets.some((net) => net !== least);
                  return (
                    <td key={letter} class={best ? 'number best' : 'number'}>
                      {value === null ? (
                        '–'
                      ) : (
                        <data value={String(value)}>
                          {signed ? numbers.signed(value) : numbers.amount(value)}
                        </data>
                      )}
                      {best && <small> {s.best}</small>}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
