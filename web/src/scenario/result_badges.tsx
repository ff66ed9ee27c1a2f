/** The labels of what was worked out: those of the edition that it is of, and whether it rests on numbers of no publication. */
import type { Region } from '../api';
import { Badge, Badges } from '../badges';
import type { Loadable } from '../loading';
import type { Model } from '../model';
import { labelledAs } from '../region_told';
import type { Sector } from '../sectors';
import { textsOf } from './words';

export function Assumed({ model }: { model: Model }) {
  const s = textsOf(model);
  return <Badge kind="illustrative" text={s.illustrative} title={s.illustrativeDetail} />;
}

/** @param region as the answer's edition tells of it; until that is known, as the page has it, and never known is said */
export function ResultBadges(props: {
  model: Model;
  region: Loadable<Region>;
  sector?: Sector;
  assumed: boolean;
}) {
  const { model, region, sector = 'net', assumed } = props;
  const t = model.texts.value;
  return (
    <p class="badges">
      <Badges model={model} sector={sector} region={labelledAs(region, model.region.value)} />
      {region.state === 'failed' && (
        <Badge kind="held" text={t.labelsUnknown} title={t.labelsUnknownDetail} />
      )}
      {assumed && <Assumed model={model} />}
    </p>
  );
}
