/** The labels that stand wherever numbers stand: what is invented, what rests on assumptions, what was held back. */
import type { Region } from './api';
import type { Model } from './model';
import { PARTS, type Sector } from './sectors';

/** Whether a sector's numbers rest on the region's own assumptions; net does as soon as one part does. */
export function isIllustrative(region: Region, sector: Sector): boolean {
  return sector === 'net' ? region.illustrative.length > 0 : region.illustrative.includes(sector);
}

export function Badge({
  kind,
  text,
  title,
}: {
  kind: 'synthetic' | 'illustrative' | 'held';
  text: string;
  title: string;
}) {
  return (
    <span class={`badge badge-${kind}`} title={title}>
      {text}
    </span>
  );
}

/** The parts behind a sector's numbers that rest on assumptions, in the reader's words. */
function illustrativeParts(model: Model, region: Region, sector: Sector): string {
  const t = model.texts.value;
  return PARTS.filter((part) => (sector === 'net' || part === sector) && region.illustrative.includes(part))
    .map((part) => t.sectors[part])
    .join(', ');
}

/** @param region as the edition tells of it whose numbers are labelled; not given: as the page shows it */
export function Badges(props: { model: Model; sector: Sector; region?: Region | null }) {
  const { model, sector, region = model.region.value } = props;
  const t = model.texts.value;
  if (!region) return null;
  return (
    <>
      {region.synthetic && <Badge kind="synthetic" text={t.synthetic} title={t.syntheticDetail} />}
      {isIllustrative(region, sector) && (
        <Badge
          kind="illustrative"
          text={t.illustrative}
          title={t.illustrativeDetail(illustrativeParts(model, region, sector))}
        />
      )}
    </>
  );
}

/** The line over the map that nobody can miss. */
export function Banner({ model }: { model: Model }) {
  const region = model.region.value;
  const t = model.texts.value;
  const sector = model.sector.value;
  if (!region) return null;
  const illustrative = isIllustrative(region, sector);
  if (!region.synthetic && !illustrative) return null;
  return (
    <aside class="banner" data-testid="banner">
      <Badges model={model} sector={sector} />
      <span class="banner-detail">
        {region.synthetic
          ? t.syntheticDetail
          : t.illustrativeDetail(illustrativeParts(model, region, sector))}
      </span>
    </aside>
  );
}
