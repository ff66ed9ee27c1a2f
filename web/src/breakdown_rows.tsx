/** What a place holds, taken apart: by sector, carrier, basis and method. Cards of places and of areas share these rows. */
import type { Breakdown, CarrierPart, SectorPart } from './breakdown';
import type { Numbers } from './format';
import { BASES, METHODS, type Sector } from './sectors';
import type { Texts } from './texts/texts';

export interface Words {
  readonly t: Texts;
  readonly numbers: Numbers;
}

/** An amount with its exact value in the markup, so that what is read out and what is copied agree with the API. */
export function Amount({ tco2e, numbers }: { tco2e: number; numbers: Numbers }) {
  return <data value={String(tco2e)}>{numbers.amount(tco2e)}</data>;
}

/** Bars on one axis with zero where it belongs: removals grow to the left, emissions to the right. */
function Bar({ value, low, high, tone }: { value: number; low: number; high: number; tone: string }) {
  const span = high - low || 1;
  const start = ((Math.min(value, 0) - low) / span) * 100;
  const width = (Math.abs(value) / span) * 100;
  return (
    <span class="bar" aria-hidden="true">
      <i class={`bar-fill tone-${tone}`} style={{ insetInlineStart: `${start}%`, inlineSize: `${width}%` }} />
      <i class="bar-zero" style={{ insetInlineStart: `${(-low / span) * 100}%` }} />
    </span>
  );
}

function range(values: readonly number[]): { low: number; high: number } {
  return { low: Math.min(0, ...values), high: Math.max(0, ...values) };
}

export function SectorRows({
  parts,
  sector,
  t,
  numbers,
}: Words & { parts: readonly SectorPart[]; sector: Sector }) {
  const { low, high } = range(parts.map(({ tco2e }) => tco2e ?? 0));
  // A share of emissions: what the forest takes up is no part of what is emitted.
  const emitted = parts.reduce((sum, { tco2e }) => sum + Math.max(0, tco2e ?? 0), 0);
  const allKnown = parts.every(({ tco2e }) => tco2e !== null);
  return (
    <section>
      <h3>
        {t.bySector} <small>{t.units.t}</small>
      </h3>
      <ul class="rows">
        {parts.map(({ part, tco2e, illustrative }) => (
          <li key={part} class={part === sector ? 'row now' : 'row'} data-testid={`part-${part}`}>
            <span class="row-name">
              {t.sectors[part]}
              {illustrative && <abbr title={t.illustrativeHere}> *</abbr>}
            </span>
            <Bar value={tco2e ?? 0} low={low} high={high} tone={part} />
            <span class="row-value">
              {tco2e === null ? <em>{t.unknown}</em> : <Amount tco2e={tco2e} numbers={numbers} />}
              {allKnown && tco2e !== null && tco2e > 0 && tco2e < emitted && (
                <small title={t.card.shareOfEmissions}>{numbers.percent(tco2e / emitted)}</small>
              )}
            </span>
          </li>
        ))}
      </ul>
      {parts.some(({ illustrative }) => illustrative) && <p class="footnote">* {t.illustrativeHere}</p>}
    </section>
  );
}

export function CarrierRows({
  carriers,
  sector,
  t,
  numbers,
}: Words & { carriers: readonly CarrierPart[]; sector: Sector }) {
  if (carriers.length === 0) return null;
  const { low, high } = range(carriers.map(({ tco2e }) => tco2e));
  return (
    <section>
      <h3>
        {t.byCarrier} <small>{t.units.t}</small>
      </h3>
      <ul class="rows carriers">
        {carriers.map(({ part, carrier, basis, tco2e }) => (
          <li key={`${part}-${carrier}-${basis}`} class="row">
            <span class="row-name">
              {t.carriers[carrier] ?? carrier}{' '}
              <small title={t.baseTitles[basis]}>
                {t.bases[basis]}
                {/* Cars and buildings both use electricity: name the sector where several are listed. */}
                {sector === 'net' && ` · ${t.sectors[part]}`}
              </small>
            </span>
            <Bar value={tco2e} low={low} high={high} tone={part} />
            <span class="row-value">
              <Amount tco2e={tco2e} numbers={numbers} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What is burnt here and what is burnt elsewhere for what is used here; nothing where a carrier is withheld. */
export function BasisRows({ carriers, t, numbers }: Words & { carriers: readonly CarrierPart[] }) {
  const emitted = carriers.filter(({ part }) => part !== 'forest');
  if (emitted.length === 0) return null;
  const sums = BASES.map((basis) => ({
    basis,
    tco2e: emitted.reduce((sum, one) => sum + (one.basis === basis ? one.tco2e : 0), 0),
  }));
  const total = sums.reduce((sum, { tco2e }) => sum + tco2e, 0);
  if (total <= 0) return null;
  return (
    <section data-testid="bases">
      <h3>{t.card.directIndirect}</h3>
      <span class="stack" aria-hidden="true">
        {sums.map(({ basis, tco2e }) => (
          <i key={basis} class={`basis-${basis}`} style={{ flexGrow: tco2e / total }} />
        ))}
      </span>
      <ul class="methods-list">
        {sums.map(({ basis, tco2e }) => (
          <li key={basis}>
            <i class={`dot basis-${basis}`} aria-hidden="true" />
            <span>
              {t.card.bases[basis]} {numbers.percent(tco2e / total)} <small>{t.baseTitles[basis]}</small>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function MethodRows({ parts, t, numbers }: Words & { parts: readonly SectorPart[] }) {
  const known = parts.flatMap(({ part, methods }) => (methods ? [{ part, methods }] : []));
  if (known.length === 0) return null;
  return (
    <section>
      <h3>{t.howObtained}</h3>
      {known.map(({ part, methods }) => (
        <div key={part} class="methods" data-testid={`methods-${part}`}>
          {known.length > 1 && <p class="methods-name">{t.sectors[part]}</p>}
          <span class="stack" aria-hidden="true">
            {METHODS.filter((method) => methods[method] > 0).map((method) => (
              <i key={method} class={`method-${method}`} style={{ flexGrow: methods[method] }} />
            ))}
          </span>
          <ul class="methods-list">
            {METHODS.filter((method) => methods[method] > 0).map((method) => (
              <li key={method}>
                <i class={`dot method-${method}`} aria-hidden="true" />
                <span>
                  {t.methods[method]} {numbers.percent(methods[method])}{' '}
                  <small>{t.methodTitles[method]}</small>
                </span>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

export function Facts({ breakdown, t, numbers }: Words & { breakdown: Breakdown }) {
  const { tco2e, areaHa, population } = breakdown;
  return (
    <dl class="facts">
      {areaHa !== null && (
        <div>
          <dt>{t.landArea}</dt>
          <dd>
            {numbers.area(areaHa)} {t.hectares}
          </dd>
        </div>
      )}
      {tco2e !== null && areaHa !== null && areaHa > 0 && (
        <div>
          <dt>{t.perHectare}</dt>
          <dd>
            {numbers.amount(tco2e / areaHa)} {t.units.t}
          </dd>
        </div>
      )}
      {population !== null && (
        <div>
          <dt>{t.population}</dt>
          <dd>{numbers.count(population)}</dd>
        </div>
      )}
      {tco2e !== null && population !== null && population > 0 && (
        <div>
          <dt>{t.perPerson}</dt>
          <dd>
            {numbers.amount(tco2e / population)} {t.units.t}
          </dd>
        </div>
      )}
    </dl>
  );
}

export function Coverage({
  breakdown,
  sector,
  t,
  numbers,
}: Words & { breakdown: Breakdown; sector: Sector }) {
  if (breakdown.tco2e === null) return <p class="note">{sector === 'net' ? t.netUnknown : t.notCovered}</p>;
  const partial = breakdown.parts.filter(
    ({ part, coverage }) => (sector === 'net' || part === sector) && coverage !== null && coverage < 0.9995,
  );
  return (
    <>
      {partial.map(({ part, coverage }) => (
        <p key={part} class="note">
          {sector === 'net' && <strong>{t.sectors[part]}: </strong>}
          {coverage === 0 ? t.incomplete : t.coverage(numbers.percent(coverage ?? 0))}
        </p>
      ))}
    </>
  );
}
