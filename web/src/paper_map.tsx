/** Small maps to print, each with its legend. */
import { numbersIn } from './format';
import { UNKNOWN } from './layers/theme';
import { lineLabel } from './legend';
import type { Model } from './model';
import { colourOf, legendLines, type Scale } from './scale';
import { boxOf, paperFor, type Shape } from './shapes';

/** Of its drawing; how wide it is printed is the page's to say. */
const WIDTH = 300;
const BORDERS = { zones: ['#39474b', 0.5], cells: ['#ffffff', 0.2] } as const;
const OUTLINE = '#10181b';

interface Row {
  readonly colour: string;
  readonly label: string;
  /** Of an outline, not of ground. */
  readonly line?: boolean;
}

interface Told {
  /** Borders of zones are read as lines; those of many small cells only part them. */
  readonly borders: keyof typeof BORDERS;
  readonly title: string;
  /** For those who do not see it. */
  readonly label: string;
  readonly unit: string;
}

/** A map of places that have their colours already. */
export function PaintedMap(
  props: Told & {
    shapes: readonly Shape[];
    /** One for each shape. */
    colours: readonly string[];
    /** Drawn over them as lines. */
    outlines?: readonly Shape[];
    rows: readonly Row[];
  },
) {
  const { shapes, colours, outlines = [], rows, borders, title, label, unit } = props;
  const box = boxOf([...shapes, ...outlines]);
  if (!box) return null;
  const paper = paperFor(box, WIDTH);
  const [stroke, width] = BORDERS[borders];
  return (
    <figure class="small-map">
      <svg viewBox={`-1 -1 ${paper.width + 2} ${paper.height + 2}`} role="img" aria-label={label}>
        {shapes.map((shape, index) => (
          <path
            key={shape.item.id}
            d={paper.path(shape)}
            fill={colours[index] ?? UNKNOWN.light}
            stroke={stroke}
            stroke-width={width}
            fill-rule="evenodd"
          />
        ))}
        {outlines.map((shape) => (
          <path
            key={`outline ${shape.item.id}`}
            d={paper.path(shape)}
            fill="none"
            stroke={OUTLINE}
            stroke-width={1.2}
          />
        ))}
      </svg>
      <figcaption>
        <strong>{title}</strong> {unit}
        <ul>
          {rows.map((row) => (
            <li key={row.label}>
              <i
                class="swatch"
                style={row.line ? { border: `2px solid ${OUTLINE}` } : { backgroundColor: row.colour }}
                aria-hidden="true"
              />
              {row.label}
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}

/** A map of places coloured by the classes of a scale. */
export function PaperMap(
  props: Told & {
    model: Model;
    shapes: readonly Shape[];
    /** One for each shape; null: not known. */
    values: readonly (number | null)[];
    /** Made for light ground: paper is light, whatever the screen is. */
    scale: Scale;
  },
) {
  const { model, shapes, values, scale, ...told } = props;
  const numbers = numbersIn(model.lang.value);
  const colours = shapes.map((_, index) => colourOf(scale, values[index] ?? null, UNKNOWN.light));
  const rows = legendLines(scale).map((line) => ({
    colour: line.colour,
    label: lineLabel(line, model.texts.value, numbers),
  }));
  return <PaintedMap {...told} shapes={shapes} colours={colours} rows={rows} />;
}
