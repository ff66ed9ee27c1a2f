/** Which part of the sector is shown: one carrier, what is emitted here or elsewhere, or what was obtained one way. */
import type { Model } from './model';
import { BASES, isOneOf, METHODS, type Sector } from './sectors';
import type { Texts } from './texts/texts';

/** A part in the reader's words. */
function partName(part: string, t: Texts): string {
  if (isOneOf(BASES, part)) return t.card.bases[part];
  if (isOneOf(METHODS, part)) return t.methods[part];
  return t.carriers[part] ?? part;
}

/** What a part means, where its name alone does not say. */
function partMeaning(part: string, t: Texts): string | null {
  if (isOneOf(BASES, part)) return t.baseTitles[part];
  return isOneOf(METHODS, part) ? t.methodTitles[part] : null;
}

/** What is shown: the sector, and the part of it. */
export function shownTitle(sector: Sector, part: string | null, t: Texts): string {
  const whole = t.sectorTitles[sector];
  return part === null ? whole : t.explore.partTitle(whole, partName(part, t));
}

export function PartChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  const choices = model.partChoices.value;
  const part = model.part.value;
  const groups = [
    [t.explore.byCarrier, choices.carriers],
    [t.explore.byBasis, choices.bases],
    [t.explore.byMethod, choices.methods],
  ] as const;
  if (groups.every(([, parts]) => parts.length === 0)) return null;
  const meaning = part === null ? null : partMeaning(part, t);
  return (
    <div class="choice part-choice">
      <label>
        <span class="visually-hidden">{t.explore.part}</span>
        <select
          class="select"
          value={part ?? ''}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            model.update({ part: chosen === '' ? null : chosen });
          }}
        >
          <option value="">{t.explore.partAll}</option>
          {groups.map(
            ([title, parts]) =>
              parts.length > 0 && (
                <optgroup key={title} label={title}>
                  {parts.map((one) => (
                    <option key={one} value={one}>
                      {partName(one, t)}
                    </option>
                  ))}
                </optgroup>
              ),
          )}
        </select>
      </label>
      {meaning !== null && <p class="fine">{meaning}</p>}
    </div>
  );
}
