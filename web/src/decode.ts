/** Checks of what comes over the wire: an answer of the wrong shape fails here, with its path, and nowhere deeper. */

export class ShapeError extends Error {
  override readonly name = 'ShapeError';

  constructor(path: string, expected: string, given: unknown) {
    const what = given === null ? 'null' : Array.isArray(given) ? 'a list' : typeof given;
    super(`${path}: expected ${expected}, got ${what}`);
  }
}

export type Decoder<T> = (value: unknown, path: string) => T;
export type Scalar = string | number | boolean | null;
export type Localised = Readonly<Record<string, string>>;

export const text: Decoder<string> = (value, path) => {
  if (typeof value !== 'string') throw new ShapeError(path, 'text', value);
  return value;
};

export const number: Decoder<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new ShapeError(path, 'a finite number', value);
  return value;
};

export const flag: Decoder<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new ShapeError(path, 'true or false', value);
  return value;
};

export const scalar: Decoder<Scalar> = (value, path) => {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  throw new ShapeError(path, 'text, number, true, false or null', value);
};

/** Members by the names that `T` has; of what they hold nothing is known yet. */
type Members<T> = { readonly [K in keyof T]: unknown };

/** An object; with the type of an answer, no other member can be asked for than the API's definition names. */
export function record<T extends object = Record<string, unknown>>(value: unknown, path: string): Members<T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ShapeError(path, 'an object', value);
  }
  return value as Members<T>;
}

/** Reads members of an object by the names that `T` has: `region('name', text)`. */
type Reader<T> = <V>(name: keyof T & string, each: Decoder<V>) => V;

/** As `record`, where each member that is asked for has one meaning. */
export function fields<T extends object = Record<string, unknown>>(value: unknown, path: string): Reader<T> {
  const members = record<T>(value, path);
  return (name, each) => each(members[name], `${path}.${name}`);
}

export function list<T>(each: Decoder<T>): Decoder<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ShapeError(path, 'a list', value);
    return value.map((entry: unknown, index) => each(entry, `${path}[${index}]`));
  };
}

export function table<T>(each: Decoder<T>): Decoder<Record<string, T>> {
  return (value, path) =>
    Object.fromEntries(
      Object.entries(record(value, path)).map(([key, entry]) => [key, each(entry, `${path}.${key}`)]),
    );
}

/** A field that may be null or absent. */
export function optional<T>(each: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null || value === undefined ? null : each(value, path));
}

/** Text by language; plain text stands for every language. */
export const localised: Decoder<Localised> = (value, path) =>
  typeof value === 'string' ? { en: value } : table(text)(value, path);

/** Two numbers, as a span or an interval has them. */
export const pair: Decoder<readonly [number, number]> = (value, path) => {
  const [low, high] = list(number)(value, path);
  if (low === undefined || high === undefined) throw new ShapeError(path, 'two numbers', value);
  return [low, high];
};

export type BBox = readonly [west: number, south: number, east: number, north: number];

export const bbox: Decoder<BBox> = (value, path) => {
  const [west, south, east, north, ...rest] = list(number)(value, path);
  if (
    west === undefined ||
    south === undefined ||
    east === undefined ||
    north === undefined ||
    rest.length > 0
  ) {
    throw new ShapeError(path, 'four numbers: west, south, east, north', value);
  }
  return [west, south, east, north];
};
