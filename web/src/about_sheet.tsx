/** About the data: sources, licences, quality, methods, factors, assumptions, limits, columns, and how to cite. */
import type { ComponentChildren } from 'preact';
import { useAsked } from './asked';
import { askColumns, askDownloads, askFoundations, askManifest, type LayerReport } from './documents';
import { numbersIn, textIn, type Numbers } from './format';
import type { Loadable } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { attributionIn } from './panel';
import { isOneOf, PARTS, SECTORS } from './sectors';
import { Scrolled } from './scrolled';
import { Sheet } from './sheet';
import type { Texts } from './texts/texts';

/** A name that is the same in every language. */
const SHA_256 = 'SHA-256';

function Answer<T>(props: { model: Model; state: Loadable<T>; children: (value: T) => ComponentChildren }) {
  const { model, state, children } = props;
  const t = model.texts.value;
  if (state.state === 'ready') return <>{children(state.value)}</>;
  if (state.state === 'failed')
    return <ProblemNote problem={state.problem} t={t} missing={t.about.missing} />;
  return <div class="skeleton card-skeleton" aria-hidden="true" />;
}

function Table({
  label,
  head,
  numeric = [],
  children,
}: {
  label: string;
  head: readonly string[];
  /** Those of the heads that stand over numbers. */
  numeric?: readonly string[];
  children: ComponentChildren;
}) {
  return (
    <Scrolled label={label}>
      <table class="files">
        <thead>
          <tr>
            {head.map((name) => (
              <th
                key={name}
                scope="col"
                class={numeric.includes(name) ? 'number' : ''}
                translate={name !== SHA_256}
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scrolled>
  );
}

function Layers({ layers, t, numbers }: { layers: readonly LayerReport[]; t: Texts; numbers: Numbers }) {
  const count = (value: number | undefined) => (value === undefined ? '–' : numbers.count(value));
  return (
    <Table
      label={t.about.quality}
      head={[
        t.about.source,
        t.sector,
        t.about.read,
        t.about.kept,
        t.about.left,
        t.about.access,
        t.about.complete,
      ]}
      numeric={[t.about.read, t.about.kept, t.about.left]}
    >
      {layers.map(({ id, sector, open, complete, counts }) => (
        <tr key={id}>
          <td translate={false}>{id}</td>
          <td>
            {isOneOf(SECTORS, sector) ? t.sectors[sector] : sector === 'population' ? t.population : sector}
          </td>
          <td class="number">{count(counts.read)}</td>
          <td class="number">{count(counts.kept)}</td>
          <td class="number">
            {counts.read === undefined || counts.kept === undefined ? '–' : count(counts.read - counts.kept)}
          </td>
          <td>{open ? t.receipt.open : t.receipt.notOpen}</td>
          <td>{complete ? t.about.yes : t.about.no}</td>
        </tr>
      ))}
    </Table>
  );
}

export function AboutSheet({ model }: { model: Model }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const numbers = numbersIn(lang);
  const region = model.region.value;
  const of = { region: region?.id ?? '', edition: region?.edition ?? '' };
  const key = (what: string) => region && `${what} ${of.region} ${of.edition}`;
  const manifest = useAsked(model, key('manifest'), (signal) => askManifest(model.api, of, signal));
  const foundations = useAsked(model, key('factors'), (signal) => askFoundations(model.api, of, signal));
  const columns = useAsked(model, key('columns'), (signal) => askColumns(model.api, of, signal));
  const downloads = useAsked(model, key('downloads'), (signal) => askDownloads(model.api, of, signal));
  if (!region) return <Sheet model={model} title={t.about.open} name="about" children={null} />;
  const illustrative = PARTS.filter((part) => region.illustrative.includes(part)).map(
    (part) => t.sectors[part],
  );
  const document_ = (name: string) =>
    model.api.address(`${encodeURIComponent(region.id)}/downloads/${name}?edition=${region.edition}`);
  return (
    <Sheet model={model} title={t.about.open} name="about">
      {region.synthetic && (
        <p class="note">
          {t.synthetic}: {t.syntheticDetail}
        </p>
      )}
      {illustrative.length > 0 && (
        <p class="note">
          {t.illustrative}: {t.illustrativeDetail(illustrative.join(', '))}
        </p>
      )}
      <section>
        <h3>{t.about.sources}</h3>
        <ul class="plain">
          {region.attributions.map((attribution) => (
            <li key={attribution.text} translate={false}>
              {attributionIn(attribution, lang)} {attribution.licence && t.licence(attribution.licence)}
            </li>
          ))}
        </ul>
        <p class="fine">
          {t.edition} <code translate={false}>{region.edition}</code> · {region.years.join(', ')}
        </p>
      </section>
      <section>
        <h3>{t.about.quality}</h3>
        <Answer model={model} state={manifest}>
          {({ layers }) => <Layers layers={layers} t={t} numbers={numbers} />}
        </Answer>
      </section>
      <section>
        <h3>{t.about.methods}</h3>
        {t.about.methodsText.map((words) => (
          <p key={words}>{words}</p>
        ))}
      </section>
      <section>
        <h3>{t.about.limits}</h3>
        <ul class="bullets">
          {t.about.limitsText.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      </section>
      <Answer model={model} state={foundations}>
        {({ factors, assumptions }) => (
          <>
            <section>
              <h3>{t.receipt.factors(factors.length)}</h3>
              <Table
                label={t.receipt.factors(factors.length)}
                head={[t.about.factor, t.about.value, t.unit, '± 95 %', t.about.period, t.about.source]}
              >
                {factors.map((factor) => (
                  <tr key={factor.id} translate={false}>
                    <td>
                      <code>{factor.id}</code>
                    </td>
                    <td class="number">{factor.value === null ? '–' : numbers.exact(factor.value)}</td>
                    <td>{factor.unit}</td>
                    <td class="number">{factor.u95 === null ? '–' : numbers.percent(factor.u95 / 100)}</td>
                    <td>{factor.period}</td>
                    <td class="wide">{factor.source}</td>
                  </tr>
                ))}
              </Table>
            </section>
            {assumptions.length > 0 && (
              <section>
                <h3>{t.receipt.assumptions(assumptions.length)}</h3>
                <Table
                  label={t.receipt.assumptions(assumptions.length)}
                  head={[t.about.assumption, t.about.value, t.unit, t.about.range, t.about.reason]}
                >
                  {assumptions.map(({ id, values, unit, low, high, reason, author }) => (
                    <tr key={id} translate={false}>
                      <td>
                        <code>{id}</code>
                      </td>
                      <td>
                        {values
                          .map(([name, value]) => [name, numbers.exact(value)].filter(Boolean).join(' '))
                          .join(', ')}
                      </td>
                      <td>{unit}</td>
                      <td>
                        {low !== null && high !== null && `${numbers.exact(low)} – ${numbers.exact(high)}`}
                      </td>
                      <td class="wide">{[reason, author].filter(Boolean).join(' · ')}</td>
                    </tr>
                  ))}
                </Table>
              </section>
            )}
          </>
        )}
      </Answer>
      <section>
        <h3>{t.about.columns}</h3>
        <Answer model={model} state={columns}>
          {(listed) => (
            <Table label={t.about.columns} head={[t.about.column, t.unit, t.about.meaning]}>
              {listed.map(({ name, unit, label, meaning }) => (
                <tr key={name} translate={false}>
                  <td>
                    <code>{name}</code>
                  </td>
                  <td>{unit}</td>
                  <td class="wide">
                    <strong>{textIn(label, lang)}</strong> {textIn(meaning, lang)}
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Answer>
      </section>
      <section>
        <h3>{t.about.cite}</h3>
        <Answer model={model} state={downloads}>
          {({ citation }) => (
            <blockquote translate={false} data-testid="citation">
              {citation}
            </blockquote>
          )}
        </Answer>
        <p class="take-links">
          {['CITATION.cff', 'LICENSE.txt', 'manifest.json'].map((name) => (
            <a key={name} href={document_(name)} download translate={false}>
              {name}
            </a>
          ))}
        </p>
      </section>
      <section>
        <h3>{t.about.inputs}</h3>
        <Answer model={model} state={manifest}>
          {({ inputs }) => (
            <Table label={t.about.inputs} head={[t.take.file, t.take.size, SHA_256]} numeric={[t.take.size]}>
              {inputs.map(({ file, bytes, sha256 }) => (
                <tr key={file}>
                  <td translate={false}>{file}</td>
                  <td class="number">{bytes !== null && t.receipt.bytes(numbers.count(bytes))}</td>
                  <td>
                    {sha256 === null ? (
                      t.receipt.notOpen
                    ) : (
                      <code title={sha256} translate={false}>
                        {sha256.slice(0, 12)}…
                      </code>
                    )}
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Answer>
      </section>
    </Sheet>
  );
}
