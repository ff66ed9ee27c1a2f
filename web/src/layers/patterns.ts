/** Stripes and dots that lie over values, drawn here so that no image has to be fetched. */
import type { Ground } from './theme';

export const STRIPES = 'stripes';
export const DOTS = 'dots';

const INK: Readonly<Record<Ground, { stripes: string; dots: string; rings: string }>> = {
  light: {
    stripes: 'rgba(29, 42, 47, 0.44)',
    dots: 'rgba(29, 42, 47, 0.42)',
    rings: 'rgba(255, 255, 255, 0.38)',
  },
  dark: {
    stripes: 'rgba(255, 255, 255, 0.42)',
    dots: 'rgba(255, 255, 255, 0.42)',
    rings: 'rgba(16, 24, 27, 0.5)',
  },
};

function pattern(ground: Ground, size: number, draw: (pen: CanvasRenderingContext2D) => void): ImageData {
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const pen = canvas.getContext('2d');
  if (!pen) return new ImageData(size, size);
  pen.strokeStyle = INK[ground].stripes;
  pen.fillStyle = INK[ground].dots;
  draw(pen);
  return pen.getImageData(0, 0, size, size);
}

/** Diagonal stripes that tile without a seam. */
export function stripes(ground: Ground): ImageData {
  const size = 16;
  return pattern(ground, size, (pen) => {
    pen.lineWidth = 2;
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift - 2, size + 2);
      pen.lineTo(shift + size + 2, -2);
    }
    pen.stroke();
  });
}

/** Dots in quincunx, which cannot be taken for stripes; rings show them on the strongest colours too. */
export function dots(ground: Ground): ImageData {
  const size = 12;
  return pattern(ground, size, (pen) => {
    for (const at of [size / 4, (3 * size) / 4]) {
      pen.beginPath();
      pen.arc(at, at, 1.35, 0, 2 * Math.PI);
      pen.fill();
      pen.beginPath();
      pen.arc(at, at, 1.85, 0, 2 * Math.PI);
      pen.strokeStyle = INK[ground].rings;
      pen.lineWidth = 1;
      pen.stroke();
    }
  });
}
