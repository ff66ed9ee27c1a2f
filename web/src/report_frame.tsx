/** A page to print: its tools, and over what it says a title with all that must be known of its numbers. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Region } from './api';
import { isIllustrative } from './badges';
import { loaded, type Loadable } from './loading';
import type { Language } from './sectors';
import type { Model } from './model';
import { EditionNotice, ProblemNote } from './notices';
import { attributionIn, LanguageSwitch } from './panel';
import { labelledAs } from './region_told';
import type { Texts } from './texts/texts';

export function ReportFrame(props: {
  model: Model;
  /** Of what kind of report it is. */
  kind: string;
  title: string;
  name: string;
  /** Styles of its own, beside those of all reports. */
  look?: string;
  /** What its numbers are of, where that is not what the page shows. */
  of?: { readonly edition: string; readonly year: number } | null;
  /** The region as that edition tells of it. */
  told?: Loadable<Region>;
  /** Choices beside those that every report has. */
  tools?: ComponentChildren;
  children: ComponentChildren;
}) {
  const { model, kind, title, name, look = '' } = props;
  const t = model.texts.value;
  const region = model.region.value;
  // Until it is known how that edition is labelled, the labels are those of the one shown.
  const labelled = props.told ? labelledAs(props.told, region) : region;
  const year = props.of?.year ?? model.year.value;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div class={`report ${look}`.trim()} data-testid={name}>
      <nav class="report-tools" aria-label={t.report.tools}>
        <button
          type="button"
          onClick={() => {
            model.update({ page: null });
          }}
        >
          {t.report.back}
        </button>
        {props.tools}
        <LanguageSwitch model={model} />
        <EditionNotice model={model} />
        <button
          type="button"
          class="primary"
          onClick={() => {
            print();
          }}
        >
          {t.report.print}
        </button>
      </nav>
      <main>
        <header>
          <p class="report-kind">{kind}</p>
          <h1>{title}</h1>
          {region && (
            <p class="fine">
              {year !== null && t.perYear(year)} · {t.edition}{' '}
              <code translate={false}>{props.of?.edition ?? region.edition}</code>
            </p>
          )}
          {props.told?.state === 'failed' && (
            <p class="note">
              <strong>{t.labelsUnknown}</strong> {t.labelsUnknownDetail}
            </p>
          )}
          {labelled?.synthetic && (
            <p class="note">
              <strong>{t.synthetic}</strong> {t.syntheticDetail}
            </p>
          )}
          {labelled && isIllustrative(labelled, 'net') && (
            <p class="note">
              <strong>{t.illustrative}</strong> {t.illustrativeHere}
            </p>
          )}
        </header>
        {props.children}
      </main>
    </div>
  );
}

/** Whom the data are from, as lines of a list. */
export function SourceLines({ region, lang, t }: { region: Region; lang: Language; t: Texts }) {
  return (
    <>
      {region.attributions.map((attribution) => (
        <li key={attribution.text} translate={false}>
          {attributionIn(attribution, lang)} {attribution.licence !== null && t.licence(attribution.licence)}
        </li>
      ))}
    </>
  );
}

/** The same of an answer, once it is known whose data it rests on; or why that cannot be told. */
export function ToldSources({ region, lang, t }: { region: Loadable<Region>; lang: Language; t: Texts }) {
  const known = loaded(region);
  if (known) return <SourceLines region={known} lang={lang} t={t} />;
  return (
    <li data-testid="sources-unknown">
      {region.state === 'failed' ? (
        <ProblemNote problem={region.problem} t={t} missing={t.sourcesGone} />
      ) : (
        <div class="skeleton line-skeleton" aria-hidden="true" />
      )}
    </li>
  );
}

/** Where what is printed is seen on the map. */
export function ReportLink({ model, label }: { model: Model; label: string }) {
  const address = new URL(model.link.value || '.', document.baseURI).href;
  return (
    <p class="fine">
      {label}:{' '}
      <a href={address} translate={false}>
        {address.length > 200 ? `${address.slice(0, 200)}…` : address}
      </a>
    </p>
  );
}
