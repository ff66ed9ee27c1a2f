/** The labels of what was worked out: those of the edition that it is of, and whether it rests on numbers of no publication. */
import type { Region } from '../api';
import { Badge, Badges } from '../badges';
import { loaded, type Loadable } from '../loading';
import type { Model } from '../model';
import type { Sector } from '../sectors';
import { textsOf } from './words';

export function Assumed({ model }: { model: Model }) {
  const s = textsOf(model);
  return <Badge kind="illustrative" text={s.illustrative} title={s.illustrativeDetail} />;
}

/** @param region as the answer's edition tells of it; until that is known, as the page has it */
export function ResultBadges(props: {
  model: Model;
  region: Loadable<Region>;
  sector?: Sector;
  assumed: boolean;
}) {
  const { model, region, sector = 'net', assumed } = props;
  return (
    <p class="badges">
      <Badges model={model} sector={sector} region={loaded(region) ?? model.region.value} />
      {assumed && <Assumed model={model} />}
    </p>
  );
}
