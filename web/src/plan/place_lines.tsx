/** What the pointer would be told of a place, for who has none: below its row in a list. */
import type { Model } from '../model';
import { wordsOf } from './place_words';

export function PlaceLines({ id, model }: { id: string; model: Model }) {
  const [, , lines] = wordsOf(id, model) ?? [null, null, []];
  if (lines.length === 0) return null;
  return (
    <ul class="place-lines fine">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
