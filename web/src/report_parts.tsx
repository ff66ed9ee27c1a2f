/** What a report is put together from: small maps and tables. */
import { nameOf, numbersIn, type Numbers } from './format';
import { THEMES } from './layers/themes';
import type { Model } from './model';
import { PaperMap } from './paper_map';
import { numberOf, type Statistics } from './questions';
import { emissionsColumn, SECTORS, type Sector } from './sectors';
import type { Shape } from './shapes';
import type { Texts } from './texts/texts';

export function SmallMap(props: { shapes: readonly Shape[]; sector: Sector; model: Model }) {
  const { shapes, sector, model } = props;
  const t = model.texts.value;
  const values = shapes.map(({ item }) => {
    const total = numberOf(item.properties, emissionsColumn(sector));
    const area = numberOf(item.properties, 'area_ha');
    return total === null || area === null || area <= 0 ? null : total / area;
  });
  const known = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  const scale = THEMES[sector].scale(
    {
      count: known.length,
      nulls: values.length - known.length,
      min: known[0] ?? null,
      max: known.at(-1) ?? null,
      quantiles: known,
    },
    'light',
  );
  return (
    scale && (
      <PaperMap
        model={model}
        shapes={shapes}
        values={values}
        scale={scale}
        borders="zones"
        title={t.sectorTitles[sector]}
        label={t.sectorTitles[sector]}
        unit={t.units.t_per_ha}
      />
    )
  );
}

interface Words {
  readonly t: Texts;
  readonly numbers: Numbers;
}

/** Below its number, so that a table of both fits a phone. */
export function Interval({
  interval,
  t,
  numbers,
}: Words & { interval: readonly [low: number, high: number] | null }) {
  if (!interval) return null;
  return (
    <small class="report-interval">
      {t.between(numbers.amount(interval[0]), numbers.amount(interval[1]))}
    </small>
  );
}

export function Amount({ value, t, numbers }: Words & { value: number | null }) {
  return value === null ? <em>{t.unknown}</em> : <data value={String(value)}>{numbers.amount(value)}</data>;
}

export function Status({ statistics, t, numbers }: Words & { statistics: Statistics }) {
  return (
    <table class="files">
      <thead>
        <tr>
          <th scope="col">{t.sector}</th>
          <th scope="col">
            {t.units.t} <small>{t.intervalShort}</small>
          </th>
          <th scope="col">{t.units.t_per_ha}</th>
          <th scope="col">{t.units.t_per_person}</th>
        </tr>
      </thead>
      <tbody>
        {SECTORS.flatMap((sector) => {
          const sum = statistics.sectors.find((one) => one.sector === sector);
          return sum ? [sum] : [];
        }).map(({ sector, tco2e, interval, perHa, perPerson, illustrative }) => (
          <tr key={sector} data-testid={`report-${sector}`} class={sector === 'net' ? 'whole' : ''}>
            <th scope="row">
              {t.sectorTitles[sector]} {illustrative && <abbr title={t.illustrativeHere}>*</abbr>}
            </th>
            <td class="number">
              <Amount value={tco2e} t={t} numbers={numbers} />
              <Interval interval={interval} t={t} numbers={numbers} />
            </td>
            <td class="number">{perHa !== null && numbers.amount(perHa)}</td>
            <td class="number">{perPerson !== null && numbers.amount(perPerson)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Districts({
  shapes,
  total,
  model,
}: {
  shapes: readonly Shape[];
  total: number;
  model: Model;
}) {
  const t = model.texts.value;
  const numbers = numbersIn(model.lang.value);
  return (
    <>
      <table class="files">
        <thead>
          <tr>
            <th scope="col">{t.table.place}</th>
            {SECTORS.map((sector) => (
              <th key={sector} scope="col">
                {t.sectors[sector]}
              </th>
            ))}
            <th scope="col">{t.units.t_per_ha}</th>
            <th scope="col">{t.population}</th>
          </tr>
        </thead>
        <tbody>
          {shapes.map(({ item }) => {
            const net = numberOf(item.properties, emissionsColumn('net'));
            const area = numberOf(item.properties, 'area_ha');
            const people = numberOf(item.properties, 'population');
            return (
              <tr key={item.id}>
                <th scope="row" translate={false}>
                  {nameOf(item.properties, item.id, model.lang.value)}
                  {item.properties.held === true && <abbr title={t.held}> †</abbr>}
                </th>
                {SECTORS.map((sector) => (
                  <td key={sector} class="number">
                    <Amount
                      value={numberOf(item.properties, emissionsColumn(sector))}
                      t={t}
                      numbers={numbers}
                    />
                  </td>
                ))}
                <td class="number">
                  {net !== null && area !== null && area > 0 && numbers.amount(net / area)}
                </td>
                <td class="number">{people !== null && numbers.count(people)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {total > shapes.length && (
        <p class="fine">{t.table.rows('1', numbers.count(shapes.length), numbers.count(total))}</p>
      )}
      {shapes.some(({ item }) => item.properties.held === true) && <p class="fine">† {t.heldDetail}</p>}
    </>
  );
}
