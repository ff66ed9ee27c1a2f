/** What can be taken away: the view as a link, a picture and data, the question behind it, and the edition as files. */
import { useSignal } from '@preact/signals';
import type { Region } from './api';
import { useAsked } from './asked';
import { isIllustrative } from './badges';
import { numbersIn, textIn, type Numbers } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { ProblemNote } from './notices';
import { askDownloads, type DownloadFile, type Downloads } from './documents';
import { askCount } from './questions';
import { Sheet } from './sheet';
import { formatView, parseView } from './state';
import { curlLine, itemsPath, MOST_ROWS, pythonLines, type Form, type Wanted } from './take_calls';
import { fileStem, TakePicture } from './take_picture';

function Copied({ label, text, model }: { label: string; text: string; model: Model }) {
  const t = model.texts.value;
  const state = useSignal<'no' | 'yes' | 'failed'>('no');
  return (
    <div class="copied">
      <div class="copied-head">
        <span>{label}</span>
        <button
          type="button"
          aria-label={`${t.take.copy}: ${label}`}
          onClick={() => {
            // Without https a browser may have no clipboard: then the text is there to be marked.
            const clipboard = navigator.clipboard as Clipboard | undefined;
            if (!clipboard) {
              state.value = 'failed';
              return;
            }
            clipboard.writeText(text).then(
              () => {
                state.value = 'yes';
              },
              () => {
                state.value = 'failed';
              },
            );
          }}
        >
          {state.value === 'yes' ? t.take.copied : t.take.copy}
        </button>
      </div>
      <pre translate={false} tabIndex={0} aria-label={label}>
        {text}
      </pre>
      {state.value === 'failed' && <p role="status">{t.take.copyFailed}</p>}
    </div>
  );
}

/** Forms of a whole table that spreadsheets and desktop maps open, by the endings of their files. */
const WHOLE = /\.(csv|gpkg|parquet)$/;

function Data({ model, files }: { model: Model; files: readonly DownloadFile[] }) {
  const t = model.texts.value;
  const region = model.region.value;
  const collection = model.active.value;
  const year = model.year.value;
  const inView = useSignal(model.view.value.camera !== null);
  const bbox = inView.value ? model.bounds.value : null;
  const counted = useAsked(
    model,
    region && collection && year !== null
      ? JSON.stringify(['count', region.id, region.edition, collection.id, year, bbox])
      : null,
    (signal) =>
      askCount(
        model.api,
        {
          region: region?.id ?? '',
          edition: region?.edition ?? '',
          collection: collection?.id ?? '',
          year: year ?? 0,
        },
        bbox,
        signal,
      ),
  );
  if (!region || !collection || year === null) return null;
  const numbers = numbersIn(model.lang.value);
  const rows = loaded(counted);
  const cut = (rows ?? (bbox ? 0 : collection.count)) > MOST_ROWS;
  const whole = files.filter(
    ({ name, collection: of }) => of === collection.id && name.includes(`_${year}.`) && WHOLE.test(name),
  );
  const wanted: Wanted = {
    region: region.id,
    edition: region.edition,
    collection,
    year,
    sector: model.sector.value,
    terms: model.terms.value,
    bbox,
  };
  const address = (form: Form) => model.api.address(itemsPath(wanted, form));
  const file = (form: Form) => `${fileStem(model)}.${form}`;
  return (
    <section aria-labelledby="take-data">
      <h3 id="take-data">{t.take.data}</h3>
      <p class="fine">
        <span translate={false}>{textIn(collection.title, model.lang.value)}</span> · {t.perYear(year)}
        {rows !== null && (
          <>
            {' · '}
            <span data-testid="take-rows">{t.take.rows(numbers.count(rows))}</span>
          </>
        )}
      </p>
      <label class="check">
        <input
          type="checkbox"
          checked={inView.value}
          onChange={(event) => {
            inView.value = event.currentTarget.checked;
          }}
        />{' '}
        {t.take.onlyInView}
      </label>
      <p class="take-links">
        {(['csv', 'geojson'] as const).map((form) => (
          <a
            key={form}
            class="primary"
            href={address(form)}
            download={file(form)}
            translate={false}
            data-testid={`take-${form}`}
          >
            {form === 'csv' ? 'CSV' : 'GeoJSON'}
          </a>
        ))}
      </p>
      {cut && (
        <div class="note take-cut" role="status" data-testid="take-cut">
          <p>{t.take.mostRows(numbers.count(MOST_ROWS))}</p>
          {whole.length > 0 && (
            <ul>
              {whole.map(({ name }) => (
                <li key={name} translate={false}>
                  <a href={fileAddress(model, region, name)} download>
                    {name}
                  </a>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
      <h4>{t.take.calls}</h4>
      <Copied model={model} label={t.take.shell} text={curlLine(address('csv'), file('csv'))} />
      <Copied model={model} label={t.take.python} text={pythonLines(address('geojson'))} />
    </section>
  );
}

/** Where a file of the edition is fetched. */
function fileAddress(model: Model, { id, edition }: Region, name: string): string {
  return model.api.address(
    `${encodeURIComponent(id)}/downloads/${encodeURIComponent(name)}?edition=${edition}`,
  );
}

/** Files by the collection that they hold; documents, which hold none, first. */
function grouped(files: readonly DownloadFile[]): readonly (readonly [string, readonly DownloadFile[]])[] {
  const groups = new Map<string, DownloadFile[]>([['', []]]);
  for (const file of files) {
    const key = file.collection ?? '';
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return [...groups].filter(([, listed]) => listed.length > 0);
}

function Files({ model, downloads }: { model: Model; downloads: Downloads }) {
  const t = model.texts.value;
  const lang = model.lang.value;
  const numbers = numbersIn(lang);
  const region = model.region.value;
  const titles = new Map(
    (loaded(model.collections.value) ?? []).map(({ id, title }) => [id, textIn(title, lang)]),
  );
  if (!region) return null;
  const address = (name: string) => fileAddress(model, region, name);
  return (
    <>
      <p class="fine">
        {t.take.licences} <span translate={false}>{downloads.licences.join(', ')}</span> ·{' '}
        <a href={address('SHA256SUMS')} download translate={false}>
          SHA256SUMS
        </a>
      </p>
      {grouped(downloads.files).map(([collection, files]) => (
        <details key={collection} open={collection === model.active.value?.id}>
          <summary>
            {collection === '' ? (
              t.take.documents
            ) : (
              <span translate={false}>{titles.get(collection) ?? collection}</span>
            )}{' '}
            <small>{numbers.count(files.length)}</small>
          </summary>
          <table class="files">
            <thead>
              <tr>
                <th scope="col">{t.take.file}</th>
                <th scope="col" class="number">
                  {t.take.size}
                </th>
                <th scope="col" translate={false}>
                  SHA-256
                </th>
              </tr>
            </thead>
            <tbody translate={false}>
              {files.map(({ name, bytes, sha256 }) => (
                <tr key={name}>
                  <td>
                    <a href={address(name)} download>
                      {name}
                    </a>
                  </td>
                  <td class="number">{bytes === null ? t.take.onDemand : sizeText(bytes, numbers)}</td>
                  <td>{sha256 && <code title={sha256}>{sha256.slice(0, 12)}…</code>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      ))}
    </>
  );
}

/** Bytes in the unit that leaves few digits. */
function sizeText(bytes: number, numbers: Numbers): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${numbers.amount(bytes / 1000 ** step)} ${units[step] ?? 'B'}`;
}

/** The address of the view: with its edition, for numbers that stay, or without, for those that are current when it is opened. */
function ViewLink({ model }: { model: Model }) {
  const t = model.texts.value;
  const keeps = useSignal(true);
  const link = model.link.value;
  const query = keeps.value ? link : formatView({ ...parseView(link), edition: null });
  return (
    <section aria-labelledby="take-link">
      <h3 id="take-link">{t.take.link}</h3>
      <Copied
        key={query}
        model={model}
        label={t.take.thisView}
        text={new URL(query || '.', document.baseURI).href}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={keeps.value}
          onChange={(event) => {
            keeps.value = event.currentTarget.checked;
          }}
        />{' '}
        {t.take.keepEdition}
      </label>
    </section>
  );
}

export function TakeSheet({ model }: { model: Model }) {
  const t = model.texts.value;
  const region = model.region.value;
  const downloads = useAsked(model, region && `downloads ${region.id} ${region.edition}`, (signal) =>
    askDownloads(model.api, { region: region?.id ?? '', edition: region?.edition ?? '' }, signal),
  );
  const marks = [
    ...(region?.synthetic ? [`${t.synthetic}: ${t.syntheticDetail}`] : []),
    ...(region && isIllustrative(region, model.sector.value)
      ? [`${t.illustrative}: ${t.illustrativeHere}`]
      : []),
  ];
  return (
    <Sheet model={model} title={t.take.open} name="take">
      {marks.map((mark) => (
        <p key={mark} class="note">
          {mark}
        </p>
      ))}
      <ViewLink model={model} />
      <section aria-labelledby="take-picture">
        <h3 id="take-picture">{t.take.picture}</h3>
        <p class="fine">{t.take.pictureHolds}</p>
        <TakePicture model={model} />
      </section>
      <Data model={model} files={loaded(downloads)?.files ?? []} />
      <section aria-labelledby="take-files">
        <h3 id="take-files">{t.take.files}</h3>
        {downloads.state === 'loading' && <div class="skeleton card-skeleton" aria-hidden="true" />}
        {downloads.state === 'failed' && (
          <ProblemNote problem={downloads.problem} t={t} missing={t.take.noFiles} />
        )}
        {downloads.state === 'ready' && <Files model={model} downloads={downloads.value} />}
      </section>
    </Sheet>
  );
}
