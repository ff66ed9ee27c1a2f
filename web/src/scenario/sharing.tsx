/** How a scenario leaves the page: as a link, a file, a report, or kept on the server. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Problem } from '../api';
import type { Model } from '../model';
import { ProblemNote } from '../notices';
import { LARGEST_FILE } from '../outlines';
import { scenarioFrom, withField, type Scenario } from './document';
import { keep } from './questions';
import { sessionOf } from './session';
import { nameOfScenario, textsOf } from './words';

function download(scenario: Scenario, name: string): void {
  const file = new Blob([`${JSON.stringify(scenario, null, 2)}\n`], { type: 'application/json' });
  const address = URL.createObjectURL(file);
  const anchor = document.createElement('a');
  anchor.href = address;
  anchor.download = `${name.replaceAll(/[^\p{L}\p{N}_-]+/gu, '-')}.json`;
  anchor.click();
  URL.revokeObjectURL(address);
}

/** Keeping needs a planner's key, which is asked for each time and never stored. */
function Keeping({ model, scenario }: { model: Model; scenario: Scenario }) {
  const s = textsOf(model);
  const t = model.texts.value;
  const session = sessionOf(model);
  const key = useSignal('');
  const told = useSignal<string | null>(null);
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const saved = session.slots.value[session.at.value]?.saved ?? null;
  const save = async (follows: typeof saved) => {
    const asking = session.asking.peek();
    if (!asking || busy.value) return;
    busy.value = true;
    told.value = null;
    problem.value = null;
    const typed = key.value.trim();
    const result = await keep(model.api, asking, scenario, follows, typed, new AbortController().signal);
    busy.value = false;
    model.connection.note(result);
    if (!result.ok) {
      problem.value = result.problem;
      return;
    }
    const { id, version, edition } = result.value;
    session.keep({ id, version }, scenario, edition);
    told.value = s.saved(version);
  };
  return (
    <form
      class="keeping"
      onSubmit={(event) => {
        event.preventDefault();
        void save(saved);
      }}
    >
      <label class="field">
        <span>{s.key}</span>
        <input
          type="password"
          autoComplete="off"
          value={key.value}
          onInput={(event) => {
            key.value = event.currentTarget.value;
          }}
        />
        <small>{s.keyHelp}</small>
      </label>
      <div class="buttons">
        <button type="submit" class="primary" disabled={key.value.trim() === '' || busy.value}>
          {saved ? s.saveNext : s.save}
        </button>
      </div>
      {told.value !== null && (
        <p role="status" data-testid="saved">
          {told.value}
        </p>
      )}
      {problem.value && <ProblemNote problem={problem.value} t={t} missing={s.missing} />}
    </form>
  );
}

export function Sharing({ model, scenario }: { model: Model; scenario: Scenario }) {
  const s = textsOf(model);
  const session = sessionOf(model);
  const file = useRef<HTMLInputElement>(null);
  const told = useSignal<string | null>(null);
  const at = session.at.value;
  const saved = session.slots.value[at]?.saved ?? null;
  const name = nameOfScenario(scenario, at, s);
  const copy = async () => {
    const address = new URL(model.link.value || '.', document.baseURI).href;
    try {
      await navigator.clipboard.writeText(address);
      told.value = s.copied;
    } catch {
      told.value = s.notCopied;
    }
  };
  const bring = async (given: File) => {
    let found: Scenario | null = null;
    try {
      if (given.size <= LARGEST_FILE) found = scenarioFrom(JSON.parse(await given.text()));
    } catch {
      // What is no JSON is no scenario either.
    }
    told.value = found ? null : s.importRefused;
    if (found) session.change(found);
  };
  return (
    <section class="sharing">
      <h3>{s.share}</h3>
      <label class="field">
        <span>{s.name}</span>
        <input
          type="text"
          maxLength={200}
          value={scenario.name ?? ''}
          placeholder={s.unnamed('ABC'.charAt(at))}
          onChange={(event) => {
            const typed = event.currentTarget.value.trim();
            session.change(withField(scenario, 'name', typed === '' ? undefined : typed));
          }}
        />
      </label>
      {saved && (
        <p class="fine" data-testid="saved-as">
          {s.savedAs(saved.version)}
          {!session.kept.value && ` · ${s.changedSince}`}
        </p>
      )}
      {!session.linked.value && <p class="note">{s.tooLong}</p>}
      <div class="buttons">
        <button type="button" disabled={!session.linked.value} onClick={() => void copy()}>
          {s.link}
        </button>
        <button
          type="button"
          onClick={() => {
            model.update({ page: 'report' });
          }}
        >
          {s.report}
        </button>
        <button
          type="button"
          onClick={() => {
            download(scenario, name);
          }}
        >
          {s.export}
        </button>
        <button type="button" onClick={() => file.current?.click()}>
          {s.import}
        </button>
        <input
          ref={file}
          type="file"
          class="visually-hidden"
          tabIndex={-1}
          aria-hidden="true"
          accept=".json,application/json"
          data-testid="scenario-file"
          onChange={(event) => {
            const given = event.currentTarget.files?.[0];
            event.currentTarget.value = '';
            if (given) void bring(given);
          }}
        />
      </div>
      {told.value !== null && (
        <p role="status" class="fine">
          {told.value}
        </p>
      )}
      <details>
        <summary>{saved ? s.saveNext : s.save}</summary>
        <Keeping model={model} scenario={scenario} />
      </details>
    </section>
  );
}
