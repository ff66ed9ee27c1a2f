/** What the card says of a place: how much, how sure, since when, among whom, of what and from where. */
import type { Item, TableKey } from './api';
import { useAsked } from './asked';
import { Assumptions } from './assumptions';
import { Badge, Badges } from './badges';
import { breakdownOf } from './breakdown';
import { Amount, BasisRows, CarrierRows, Coverage, Facts, MethodRows, SectorRows } from './breakdown_rows';
import { numbersIn } from './format';
import { lazily } from './lazily';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { PairView } from './pair_view';
import { askSeries } from './questions';
import { emissionsColumn } from './sectors';
import { Standings } from './standings';
import { Trend, trendPoints } from './trend';

function History({ model, item, itemKey }: { model: Model; item: Item; itemKey: TableKey }) {
  const t = model.texts.value;
  const sector = model.sector.value;
  const { region, edition, collection } = itemKey;
  const series = useAsked(model, JSON.stringify([region, edition, collection, item.id]), (signal) =>
    askSeries(model.api, itemKey, item.id, signal),
  );
  const known = loaded(series);
  if (known && known.years.length < 2) return null;
  const values = known?.values[emissionsColumn(sector)];
  return (
    <section>
      <h3>
        {t.card.trend} <small>{t.units.t}</small>
      </h3>
      {series.state === 'loading' && <div class="skeleton trend-skeleton" aria-hidden="true" />}
      {series.state === 'failed' && <ProblemNote problem={series.problem} t={t} missing={t.itemMissing} />}
      {known && values && (
        <Trend
          points={trendPoints(
            known.years,
            values,
            known.values[`${sector}_sd_tco2e`] ?? null,
            sector === 'net' || sector === 'buildings' ? known.held : null,
          )}
          year={itemKey.year}
          label={t.card.trendLabel(t.sectorTitles[sector])}
          t={t}
          numbers={numbersIn(model.lang.value)}
        />
      )}
    </section>
  );
}

const ReceiptView = lazily(
  async () => (await import('./receipt_view')).ReceiptView,
  () => <div class="skeleton card-skeleton" aria-hidden="true" />,
);

export function CardBody(props: { model: Model; item: Item; itemKey: TableKey }) {
  const { model } = props;
  return model.view.value.receipt ? <ReceiptView {...props} /> : <Overview {...props} />;
}

function Overview({ model, item, itemKey }: { model: Model; item: Item; itemKey: TableKey }) {
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
        <p class="headline-name">{t.titleIn(t.sectorTitles[sector], itemKey.year)}</p>
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
            {t.interval(words.numbers.amount(interval[0]), words.numbers.amount(interval[1]))}{' '}
            <small>
              {t.card.intervalWords(
                tco2e === null || tco2e === 0
                  ? null
                  : words.numbers.percent((interval[1] - interval[0]) / 2 / Math.abs(tco2e)),
              )}
            </small>
          </p>
        )}
        <p class="badges">
          <Badges model={model} sector={sector} />
          {breakdown.held && <Badge kind="held" text={t.held} title={t.heldDetail} />}
        </p>
      </div>
      <p>
        <button
          type="button"
          class="why"
          onClick={() => {
            model.update({ receipt: true });
          }}
        >
          {t.receipt.ask}
        </button>
      </p>
      <PairView model={model} item={item} itemKey={itemKey} />
      <Standings model={model} item={item} itemKey={itemKey} />
      <History model={model} item={item} itemKey={itemKey} />
      <Facts breakdown={breakdown} {...words} />
      <Coverage breakdown={breakdown} sector={sector} {...words} />
      {breakdown.held && (
        <p class="note" data-testid="held">
          {t.heldDetail}
        </p>
      )}
      <SectorRows parts={breakdown.parts} sector={sector} {...words} />
      <CarrierRows carriers={breakdown.carriers} sector={sector} {...words} />
      {breakdown.carriersTold && <BasisRows carriers={breakdown.carriers} {...words} />}
      <MethodRows parts={shownParts} {...words} />
      {shownParts.some(({ illustrative }) => illustrative) && (
        <Assumptions
          model={model}
          itemKey={itemKey}
          id={item.id}
          parts={shownParts.filter(({ illustrative }) => illustrative).map(({ part }) => part)}
        />
      )}
      <p class="data-link">
        <a href={model.api.itemAddress(itemKey, item.id)} target="_blank" rel="noopener">
          {t.dataLink}
        </a>
      </p>
    </>
  );
}
