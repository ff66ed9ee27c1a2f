/** The view as a picture that explains itself: title, map, scale bar, legend, sources, edition and date on one page. */
import type { Map as MapLibre } from 'maplibre-gl';
import { barLength, metresPerPixel } from './scale_bar';

/** What a map shows now. */
export interface Shot {
  readonly canvas: HTMLCanvasElement;
  /** CSS pixels: where the map's box begins on the page, and its size. */
  readonly box: DOMRect;
  readonly metresPerPixel: number;
}

/** Copy what is drawn in the frame that draws it: afterwards the drawing buffer is empty. */
export function shoot(map: MapLibre): Promise<Shot> {
  return new Promise((resolve, reject) => {
    map.once('render', () => {
      const drawn = map.getCanvas();
      const canvas = document.createElement('canvas');
      canvas.width = drawn.width;
      canvas.height = drawn.height;
      try {
        canvas.getContext('2d')?.drawImage(drawn, 0, 0);
      } catch (error) {
        // The map would swallow it, and who waits for the picture would wait for ever.
        reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      resolve({
        canvas,
        box: map.getContainer().getBoundingClientRect(),
        metresPerPixel: metresPerPixel(map),
      });
    });
    map.triggerRepaint();
  });
}

/** What the map draws over a value, or does to it: held, doubtful, or weaker than its colour. */
export type Mark = 'stripes' | 'dots' | 'faded';

export interface LegendEntry {
  readonly colour: string;
  readonly label: string;
  /** What is drawn over the colour; not given: nothing. */
  readonly mark?: Mark;
}

/** What stands around the map. */
export interface Caption {
  readonly title: string;
  readonly subtitle: string;
  /** That numbers are invented, or rest on assumptions. */
  readonly marks: readonly string[];
  /** One, or one for each side where they differ. */
  readonly legends: readonly { readonly title: string; readonly entries: readonly LegendEntry[] }[];
  /** Sources, edition, date, address: a line each, broken where they are too long. */
  readonly lines: readonly string[];
  readonly barLabel: (metres: number) => string;
}

/** How much of the first map the other one covers; null: each has its half. */
export interface Beside {
  readonly shot: Shot;
  /** CSS pixels on the page; null: they lie side by side. */
  readonly cutAt: number | null;
  readonly name: string;
  readonly nameNow: string;
}

const INK = '#1b292d';
const MUTED = '#526166';
const PAPER = '#ffffff';
const WARN = { paper: '#fbe9c6', ink: '#7a4a00' };
const MARGIN = 28;
const MARK_PADDING = 9;
const MARK_GAP = 8;

/** Break a text into lines that fit; a word longer than a line is broken anywhere. */
export function brokenText(text: string, width: number, measure: (text: string) => number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (measure(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (measure(line) > width && line.length > 1) {
      let fits = line.length - 1;
      while (fits > 1 && measure(line.slice(0, fits)) > width) fits -= 1;
      lines.push(line.slice(0, fits));
      line = line.slice(fits);
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** A piece of a mark on its ground; CSS pixels from the left edge of the text. */
interface MarkPiece {
  readonly text: string;
  readonly x: number;
  readonly width: number;
}

/** Marks one after another in rows that fit; one that is longer than a row goes on in rows of its own. */
export function markRows(
  marks: readonly string[],
  width: number,
  measure: (text: string) => number,
): MarkPiece[][] {
  const rows: MarkPiece[][] = [];
  let end = 0;
  for (const mark of marks) {
    for (const text of brokenText(mark, width - 2 * MARK_PADDING, measure)) {
      const long = measure(text) + 2 * MARK_PADDING;
      const x = end === 0 ? 0 : end + MARK_GAP;
      const row = rows.at(-1);
      if (row && x > 0 && x + long <= width) {
        row.push({ text, x, width: long });
        end = x + long;
      } else {
        rows.push([{ text, x: 0, width: long }]);
        end = long;
      }
    }
  }
  return rows;
}

interface Frame {
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

/** The part of the page that is pictured: from `left` (where the panel ends) to the right of the first map. */
function frameOf(shot: Shot, beside: Beside | null, left: number): Frame {
  const { box } = shot;
  const start = beside?.cutAt === null ? Math.max(beside.shot.box.left, left) : Math.max(box.left, left);
  return { left: start, width: Math.max(box.right - start, 200), height: box.height };
}

function drawShot(pen: CanvasRenderingContext2D, { canvas, box }: Shot, frame: Frame, top: number): void {
  pen.drawImage(canvas, MARGIN + box.left - frame.left, top, box.width, box.height);
}

function drawMaps(
  pen: CanvasRenderingContext2D,
  shot: Shot,
  beside: Beside | null,
  frame: Frame,
  top: number,
) {
  const clipped = (left: number, right: number, draw: () => void) => {
    pen.save();
    pen.beginPath();
    pen.rect(left, top, right - left, frame.height);
    pen.clip();
    draw();
    pen.restore();
  };
  const onPage = (x: number) => MARGIN + x - frame.left;
  clipped(MARGIN, MARGIN + frame.width, () => {
    drawShot(pen, shot, frame, top);
  });
  if (!beside) return;
  const end = onPage(beside.cutAt ?? beside.shot.box.right);
  clipped(MARGIN, end, () => {
    drawShot(pen, beside.shot, frame, top);
  });
  pen.fillStyle = PAPER;
  pen.fillRect(end - 1, top, 3, frame.height);
  pen.font = `600 13px ${family()}`;
  const chip = (text: string, x: number) => {
    const width = pen.measureText(text).width + 20;
    pen.fillStyle = PAPER;
    pen.fillRect(x, top + frame.height - 40, width, 24);
    pen.fillStyle = INK;
    pen.fillText(text, x + 10, top + frame.height - 23);
    return width;
  };
  pen.font = `600 13px ${family()}`;
  chip(beside.name, end - pen.measureText(beside.name).width - 30);
  chip(beside.nameNow, end + 10);
}

function family(): string {
  return getComputedStyle(document.documentElement).fontFamily;
}

function drawBar(
  pen: CanvasRenderingContext2D,
  metresPerPixel: number,
  right: number,
  bottom: number,
  caption: Caption,
) {
  const metres = barLength(metresPerPixel, 130);
  const width = metres / metresPerPixel;
  pen.fillStyle = 'rgba(255, 255, 255, 0.85)';
  pen.fillRect(right - width - 16, bottom - 34, width + 16, 34);
  pen.strokeStyle = INK;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(right - width - 8, bottom - 14);
  pen.lineTo(right - width - 8, bottom - 8);
  pen.lineTo(right - 8, bottom - 8);
  pen.lineTo(right - 8, bottom - 14);
  pen.stroke();
  pen.fillStyle = INK;
  pen.font = `12px ${family()}`;
  pen.fillText(caption.barLabel(metres), right - width - 4, bottom - 14);
}

/** Stripes or dots on a swatch, as on the map. */
function drawMark(pen: CanvasRenderingContext2D, mark: Mark, x: number, y: number): void {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, 20, 14);
  pen.clip();
  pen.beginPath();
  if (mark === 'stripes') {
    pen.strokeStyle = 'rgba(29, 42, 47, 0.7)';
    pen.lineWidth = 1.4;
    for (let shift = -14; shift < 24; shift += 6) {
      pen.moveTo(x + shift, y + 14);
      pen.lineTo(x + shift + 14, y);
    }
    pen.stroke();
  } else if (mark === 'faded') {
    pen.fillStyle = 'rgba(255, 255, 255, 0.7)';
    pen.fillRect(x + 10, y, 10, 14);
  } else {
    pen.fillStyle = 'rgba(29, 42, 47, 0.6)';
    for (let row = 0; row < 3; row += 1)
      for (let column = 0; column < 4; column += 1) {
        const [at, below] = [x + 3 + column * 5 + (row % 2) * 2.5, y + 3 + row * 4];
        pen.moveTo(at + 1, below);
        pen.arc(at, below, 1, 0, 2 * Math.PI);
      }
    pen.fill();
  }
  pen.restore();
}

/** Titles over rows of swatches and labels; returns where they end. */
function drawLegends(
  pen: CanvasRenderingContext2D,
  { legends }: Caption,
  width: number,
  from: number,
  draw: boolean,
): number {
  let top = from;
  for (const { title, entries } of legends) {
    pen.font = `600 13px ${family()}`;
    top += 18;
    if (draw) {
      pen.fillStyle = INK;
      pen.fillText(title, MARGIN, top);
    }
    pen.font = `12.5px ${family()}`;
    let x = MARGIN;
    top += 10;
    for (const { colour, label, mark } of entries) {
      const room = pen.measureText(label).width + 44;
      if (x > MARGIN && x + room > MARGIN + width) {
        x = MARGIN;
        top += 22;
      }
      if (draw) {
        pen.fillStyle = colour;
        pen.fillRect(x, top, 20, 14);
        if (mark) drawMark(pen, mark, x, top);
        pen.strokeStyle = 'rgba(29, 42, 47, 0.35)';
        pen.lineWidth = 1;
        pen.strokeRect(x + 0.5, top + 0.5, 19, 13);
        pen.fillStyle = INK;
        pen.fillText(label, x + 26, top + 12);
      }
      x += room;
    }
    top += 26;
  }
  return top;
}

/**
 * Put the page together.
 *
 * @param left where the map begins to be free of panels, CSS pixels on the page
 * @param ratio pixels of the picture per CSS pixel
 */
export function composePicture(
  shot: Shot,
  beside: Beside | null,
  caption: Caption,
  left: number,
  ratio: number,
): HTMLCanvasElement {
  const frame = frameOf(shot, beside, left);
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d');
  if (!pen) return canvas;
  const measure = (font: string) => (text: string) => {
    pen.font = font;
    return pen.measureText(text).width;
  };
  const titleFont = `700 22px ${family()}`;
  const subtitleFont = `13.5px ${family()}`;
  const markFont = `600 12px ${family()}`;
  const small = `11.5px ${family()}`;
  const title = brokenText(caption.title, frame.width, measure(titleFont));
  const lines = caption.lines.flatMap((line) => brokenText(line, frame.width, measure(small)));
  const subtitle = brokenText(caption.subtitle, frame.width, measure(subtitleFont));
  // What is invented must stand there whole, however narrow the screen is.
  const marks = markRows(caption.marks, frame.width, measure(markFont));
  const subtitleTop = MARGIN + title.length * 28 + 8;
  const marksTop = subtitleTop + (subtitle.length - 1) * 19 + 10;
  const mapTop = marksTop + 6 + marks.length * 26 + (marks.length > 0 ? 4 : 0);
  const legendTop = mapTop + frame.height + 8;
  const linesTop = drawLegends(pen, caption, frame.width, legendTop, false);
  canvas.width = Math.round((frame.width + 2 * MARGIN) * ratio);
  canvas.height = Math.round((linesTop + lines.length * 17 + MARGIN - 6) * ratio);
  pen.scale(ratio, ratio);
  pen.fillStyle = PAPER;
  pen.fillRect(0, 0, canvas.width, canvas.height);

  pen.fillStyle = INK;
  pen.font = titleFont;
  title.forEach((line, index) => {
    pen.fillText(line, MARGIN, MARGIN + 18 + index * 28);
  });
  pen.font = subtitleFont;
  pen.fillStyle = MUTED;
  subtitle.forEach((line, index) => {
    pen.fillText(line, MARGIN, subtitleTop + index * 19);
  });
  pen.font = markFont;
  marks.forEach((row, index) => {
    const top = marksTop + index * 26;
    for (const { text, x, width } of row) {
      pen.fillStyle = WARN.paper;
      pen.fillRect(MARGIN + x, top, width, 22);
      pen.fillStyle = WARN.ink;
      pen.fillText(text, MARGIN + x + MARK_PADDING, top + 15.5);
    }
  });
  drawMaps(pen, shot, beside, frame, mapTop);
  drawBar(pen, shot.metresPerPixel, MARGIN + frame.width, mapTop + frame.height, caption);
  drawLegends(pen, caption, frame.width, legendTop, true);
  pen.fillStyle = MUTED;
  pen.font = small;
  lines.forEach((line, index) => {
    pen.fillText(line, MARGIN, linesTop + 6 + index * 17);
  });
  return canvas;
}
