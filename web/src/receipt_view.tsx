/** Where a number comes from: its parts, how each was worked out, and the factors, assumptions and files behind them. */
import { useEffect, useRef } from 'preact/hooks';
import type { Item, TableKey } from './api';
import { AssumptionRow } from './assumptions';
import { useAsked } from './asked';
import { Badges } from './badges';
import { Amount, type Words } from './breakdown_rows';
import { numbersIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import {
  askReceipt,
  receiptPath,
  type Factor,
  type Receipt,
  type ReceiptCarrier,
  type ReceiptPart,
} from './receipts';
import { BASES, isOneOf, METHODS, SECTORS } from './sectors';

function Ids({ ids }: { ids: readonly string[] }) {
  return (
    <>
      {ids.map((id, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <code translate={false}>{id}</code>
        </span>
      ))}
    </>
  );
}

function PartRow({ part, t, numbers }: Words & { part: ReceiptPart }) {
  return (
    <li>
      <span class="part-head">
        <span>
          {isOneOf(METHODS, part.method) ? t.methods[part.method] : part.method} ·{' '}
          <code translate={false}>{part.source}</code>
        </span>
        <Amount tco2e={part.tco2e} numbers={numbers} />
      </span>
      <small>
        {numbers.amount(part.activity)} <span translate={false}>{part.unit}</span> ×{' '}
        <Ids ids={part.factors} />
        {part.lines !== null && ` · ${t.receipt.features(numbers.count(part.lines))}`}
      </small>
      {part.assumptions.length > 0 && (
        <small>
          {t.receipt.assuming} <Ids ids={part.assumptions} />
        </small>
      )}
    </li>
  );
}

function CarrierParts({ carrier, t, numbers }: Words & { carrier: ReceiptCarrier }) {
  const { tco2e, parts, closed } = carrier;
  return (
    <details class="receipt-carrier">
      <summary>
        <span>
          {t.carriers[carrier.carrier] ?? carrier.title}{' '}
          <small>{isOneOf(BASES, carrier.basis) ? t.bases[carrier.basis] : carrier.basis}</small>
        </span>
        {tco2e === null ? <em>{t.receipt.notShown}</em> : <Amount tco2e={tco2e} numbers={numbers} />}
      </summary>
      <ul class="receipt-parts">
        {closed !== null && (
          <li data-testid="closed">
            <span class="part-head">
              <span>{t.receipt.closed}</span>
              <Amount tco2e={closed} numbers={numbers} />
            </span>
            <small>
              {t.receipt.closedDetail} <Ids ids={carrier.closedFactors} />
            </small>
          </li>
        )}
        {parts.map((part, index) => (
          <PartRow key={index} part={part} t={t} numbers={numbers} />
        ))}
      </ul>
    </details>
  );
}

function FactorRow({ factor, t, numbers }: Words & { factor: Factor }) {
  const { id, value, unit, source, period, chosen, u95Percent } = factor;
  return (
    <li>
      <code translate={false}>{id}</code>
      <span>
        {value !== null && numbers.exact(value)} <span translate={false}>{unit}</span>{' '}
        {u95Percent !== null && <small>± {numbers.percent(u95Percent / 100)}</small>}
      </span>
      <small translate={false}>{[source, period].filter((words) => words !== null).join(' · ')}</small>
      {chosen !== null && <small>{t.receipt.chosen(chosen)}</small>}
    </li>
  );
}

function Contents({ model, receipt }: { model: Model; receipt: Receipt }) {
  const t = model.texts.value;
  const words = { t, numbers: numbersIn(model.lang.value) };
  const sector = model.sector.value;
  const shown = receipt.sectors.filter(
    (one) => one.sector !== 'net' && (sector === 'net' || one.sector === sector),
  );
  const said = [...receipt.reasons, ...shown.flatMap(({ reasons }) => reasons)];
  const reasons = said.filter(({ code }, index) => said.findIndex((one) => one.code === code) === index);
  return (
    <>
      {reasons.map(({ code, title, text }) => (
        <p key={code} class="note" translate={false} data-testid={`reason-${code}`}>
          <strong>{title}.</strong> {text}
        </p>
      ))}
      {shown.map((one) => (
        <section key={one.sector} data-testid={`receipt-${one.sector}`}>
          <h3>
            {isOneOf(SECTORS, one.sector) ? t.sectors[one.sector] : one.sector}{' '}
            {one.tco2e === null ? (
              <small>{t.unknown}</small>
            ) : (
              <small>
                <Amount tco2e={one.tco2e} numbers={words.numbers} /> {t.units.t}
              </small>
            )}
          </h3>
          {one.carriers
            .filter(({ tco2e }) => tco2e !== 0)
            .map((carrier) => (
              <CarrierParts key={`${carrier.carrier}-${carrier.basis}`} carrier={carrier} {...words} />
            ))}
          {one.withheld !== null && (
            <p class="fine">
              {t.receipt.withheld} <Amount tco2e={one.withheld} numbers={words.numbers} /> {t.units.t}
            </p>
          )}
        </section>
      ))}
      <details class="assumptions">
        <summary>{t.receipt.factors(receipt.factors.length)}</summary>
        <ul>
          {receipt.factors.map((factor) => (
            <FactorRow key={factor.id} factor={factor} {...words} />
          ))}
        </ul>
      </details>
      {receipt.assumptions.length > 0 && (
        <details class="assumptions">
          <summary>{t.receipt.assumptions(receipt.assumptions.length)}</summary>
          <ul>
            {receipt.assumptions.map((assumption) => (
              <AssumptionRow key={assumption.id} model={model} assumption={assumption} />
            ))}
          </ul>
        </details>
      )}
      <details class="assumptions">
        <summary>{t.receipt.files(receipt.inputs.length)}</summary>
        <ul>
          {receipt.inputs.map(({ file, bytes, sha256 }) => (
            <li key={file}>
              <code translate={false}>{file}</code>
              {bytes !== null && <span>{t.receipt.bytes(words.numbers.count(bytes))}</span>}
              <small>
                {receipt.sources
                  .filter(({ files }) => files.includes(file))
                  .map(({ id, open }, index) => (
                    <span key={id}>
                      {index > 0 && ', '}
                      <span translate={false}>{id}</span> ({open ? t.receipt.open : t.receipt.notOpen})
                    </span>
                  ))}
              </small>
              {sha256 !== null && (
                <small>
                  <span translate={false}>
                    SHA-256 <code>{sha256}</code>
                  </span>
                </small>
              )}
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}

export function ReceiptView({ model, item, itemKey }: { model: Model; item: Item; itemKey: TableKey }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const sector = model.sector.value;
  const back = useRef<HTMLButtonElement>(null);
  const answer = useAsked(model, JSON.stringify([itemKey, item.id, lang]), (signal) =>
    askReceipt(model.api, itemKey, item.id, signal),
  );
  const receipt = loaded(answer);

  // What opened this is gone; who reads on with the keyboard begins here.
  useEffect(() => {
    back.current?.focus({ preventScroll: true });
  }, []);

  return (
    <div class="receipt" data-testid="receipt" aria-busy={answer.state === 'loading'}>
      <button
        type="button"
        class="back"
        ref={back}
        onClick={() => {
          model.update({ receipt: false });
        }}
      >
        ‹ {t.receipt.back}
      </button>
      <h3>
        {t.receipt.title} <small>{`${t.sectorTitles[sector]} · ${t.perYear(itemKey.year)}`}</small>
      </h3>
      <p class="badges">
        <Badges model={model} sector={sector} />
      </p>
      {answer.state === 'loading' && <div class="skeleton card-skeleton" aria-hidden="true" />}
      {answer.state === 'failed' && (
        <ProblemNote problem={answer.problem} t={t} missing={t.receipt.missing} />
      )}
      {receipt && <Contents model={model} receipt={receipt} />}
      {receipt && (
        <p class="data-link">
          <a href={`api/${receiptPath(itemKey, item.id, true)}`} target="_blank" rel="noopener">
            {t.receipt.page}
          </a>
        </p>
      )}
    </div>
  );
}
