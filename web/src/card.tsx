/** The card: what is known of the place that was clicked, how well, and from where. */
import { useEffect, useRef } from 'preact/hooks';
import type { Item, TableKey } from './api';
import { Badge, Badges } from './badges';
import { breakdownOf, type Breakdown, type CarrierPart, type SectorPart } from './breakdown';
import { numbersIn, nameOf, textIn, type Numbers } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { METHODS, type Sector } from './sectors';
import { ProblemNote } from './notices';
import type { Texts } from './texts/texts';

interface Words {
  readonly t: Texts;
  readonly numbers: Numbers;
}

/** An amount with its exact value in the markup, so that what is read out and what is copied agree with the API. */
function Amount({ tco2e, numbers }: { tco2e: number; numbers: Numbers }) {
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

function SectorRows({ parts, sector, t, numbers }: Words & { parts: readonly SectorPart[]; sector: Sector }) {
  const { low, high } = range(parts.map(({ tco2e }) => tco2e ?? 0));
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
            </span>
          </li>
        ))}
      </ul>
      {parts.some(({ illustrative }) => illustrative) && <p class="footnote">* {t.illustrativeHere}</p>}
    </section>
  );
}

function CarrierRows({
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

function MethodRows({ parts, t, numbers }: Words & { parts: readonly SectorPart[] }) {
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
              <li key={method} title={t.methodTitles[method]}>
                <i class={`dot method-${method}`} aria-hidden="true" />
                {t.methods[method]} {numbers.percent(methods[method])}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

function Facts({ breakdown, t, numbers }: Words & { breakdown: Breakdown }) {
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
          <dd>{numbers.amount(tco2e / areaHa)} t</dd>
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
          <dd>{numbers.amount(tco2e / population)} t</dd>
        </div>
      )}
    </dl>
  );
}

function Coverage({ breakdown, sector, t, numbers }: Words & { breakdown: Breakdown; sector: Sector }) {
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

function CardBody({ model, item, itemKey }: { model: Model; item: Item; itemKey: TableKey }) {
  const t = model.texts.value;
  const words = { t, numbers: numbersIn(model.lang.value) };
  const sector = model.sector.value;
  const breakdown = breakdownOf(item.properties, sector);
  const { tco2e, interval } = breakdown;
  const shownParts =
    sector === 'net' ? breakdown.parts : breakdown.parts.filter(({ part }) => part === sector);
  return (
    <>
      <div class="headline">
        <p class="headline-name">
          {t.sectorTitles[sector]} {t.perYear(itemKey.year)}
        </p>
        {tco2e === null ? (
          <p class="headline-value unknown" data-testid="value">
            {t.unknown}
          </p>
        ) : (
          <p class="headline-value" data-testid="value">
            <Amount tco2e={tco2e} numbers={words.numbers} /> <small title={t.unitTitles.t}>{t.units.t}</small>
          </p>
        )}
        {interval && (
          <p class="interval" data-testid="interval">
            {t.interval(words.numbers.amount(interval[0]), words.numbers.amount(interval[1]))}
          </p>
        )}
        <p class="badges">
          <Badges model={model} sector={sector} />
          {breakdown.held && <Badge kind="held" text={t.heldTitle} title={t.heldDetail} />}
        </p>
      </div>
      <Facts breakdown={breakdown} {...words} />
      <Coverage breakdown={breakdown} sector={sector} {...words} />
      {breakdown.held && (
        <p class="note" data-testid="held">
          {t.heldDetail}
        </p>
      )}
      <SectorRows parts={breakdown.parts} sector={sector} {...words} />
      <CarrierRows carriers={breakdown.carriers} sector={sector} {...words} />
      <MethodRows parts={shownParts} {...words} />
      <p class="data-link">
        <a href={model.api.itemAddress(itemKey, item.id)} target="_blank" rel="noopener">
          {t.dataLink}
        </a>
      </p>
    </>
  );
}

export function Card({ model }: { model: Model }) {
  const t = model.texts.value;
  const { selected } = model.view.value;
  const itemKey = model.itemKey.value;
  const heading = useRef<HTMLHeadingElement>(null);
  const chosen = selected ? `${selected.collection}/${selected.id}` : null;

  // Who opened the card with the keyboard reads on in it; a pointer keeps its focus on the map.
  useEffect(() => {
    if (chosen !== null && document.activeElement?.matches('canvas:focus-visible')) heading.current?.focus();
  }, [chosen]);

  const close = () => {
    model.update({ selected: null });
    document.querySelector<HTMLElement>('canvas.maplibregl-canvas')?.focus({ preventScroll: true });
  };
  useEffect(() => {
    if (chosen === null) return;
    const closeOnEscape = (event: KeyboardEvent) => {
      if (event.key === 'Escape') close();
    };
    addEventListener('keydown', closeOnEscape);
    return () => {
      removeEventListener('keydown', closeOnEscape);
    };
  });

  if (!selected) return null;
  const collection = (loaded(model.collections.value) ?? []).find(({ id }) => id === selected.collection);
  const state = model.item.value;
  const item = loaded(state);
  const name = item ? nameOf(item.properties, item.id, model.lang.value) : selected.id;
  return (
    <aside class="card" aria-labelledby="card-title" aria-busy={state.state === 'loading'} data-testid="card">
      <header class="card-head">
        <div>
          <p class="card-kind">
            {collection ? `${t.kinds[collection.kind]} · ${textIn(collection.title, model.lang.value)}` : ' '}
          </p>
          <h2 id="card-title" class={name === selected.id ? 'code' : ''} tabIndex={-1} ref={heading}>
            {/* A long cell code may break before its coordinates, and is copied whole. */}
            {name.split(/(?=[NE]\d)/).map((piece, index) => [index > 0 && <wbr key={index} />, piece])}
          </h2>
        </div>
        <button type="button" class="close" aria-label={t.close} title={t.close} onClick={close}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3.5 3.5l9 9m0-9l-9 9" />
          </svg>
        </button>
      </header>
      <div class="card-body">
        {(state.state === 'loading' || (state.state === 'idle' && !collection)) && (
          <div class="skeleton card-skeleton" aria-hidden="true" />
        )}
        {state.state === 'failed' && <ProblemNote problem={state.problem} t={t} missing={t.itemMissing} />}
        {item && itemKey && <CardBody model={model} item={item} itemKey={itemKey} />}
      </div>
    </aside>
  );
}
