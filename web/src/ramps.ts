/** Colour ramps, mixed in OKLab so that steps look even and lightness never turns back. */

/** Two or more hex colours, from small to large. */
export type Ramp = readonly [string, string, ...string[]];

type Triple = readonly [number, number, number];

function toLinear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
}

function fromLinear(channel: number): number {
  return channel <= 0.0031308 ? channel * 12.92 : 1.055 * channel ** (1 / 2.4) - 0.055;
}

/** Source: Björn Ottosson, "A perceptual color space for image processing" (2020). */
export function toOklab(hex: string): Triple {
  const value = Number.parseInt(hex.slice(1), 16);
  const r = toLinear(((value >> 16) & 255) / 255);
  const g = toLinear(((value >> 8) & 255) / 255);
  const b = toLinear((value & 255) / 255);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

export function fromOklab([lightness, a, b]: Triple): string {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const channels = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const byte = (channel: number) => Math.round(Math.min(Math.max(fromLinear(channel), 0), 1) * 255);
  return `#${channels.map((channel) => byte(channel).toString(16).padStart(2, '0')).join('')}`;
}

function between(low: Triple, high: Triple, part: number): Triple {
  return [
    low[0] + (high[0] - low[0]) * part,
    low[1] + (high[1] - low[1]) * part,
    low[2] + (high[2] - low[2]) * part,
  ];
}

/** A colour with a part, 0 to 1, of another in it. */
export function mixed(colour: string, other: string, part: number): string {
  return fromOklab(between(toOklab(colour), toOklab(other), part));
}

/** `count` colours at even steps of a ramp, its ends included; a single one is the middle. */
export function sampleRamp(ramp: Ramp, count: number): string[] {
  const stops = ramp.map(toOklab);
  return Array.from({ length: count }, (_, index) => {
    const position = (count === 1 ? 0.6 : index / (count - 1)) * (stops.length - 1);
    const below = Math.min(Math.floor(position), stops.length - 2);
    const part = position - below;
    const low = stops[below] ?? [0, 0, 0];
    return fromOklab(between(low, stops[below + 1] ?? low, part));
  });
}
