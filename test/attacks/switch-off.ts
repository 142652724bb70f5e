import { relative, sep } from 'node:path';
import type { Switch } from './switch.js';
import { switches } from './switches.js';

/** Names the countermeasure that is off while the tests run. */
export const switchVariable = 'MIXMAILER_SWITCH_OFF';

/** Where `find` begins in a source, each time. */
export const placesOf = (source: string, { find }: Pick<Switch, 'find'>): readonly number[] => {
  const places: number[] = [];
  for (let at = source.indexOf(find); at >= 0; at = source.indexOf(find, at + 1)) places.push(at);
  return places;
};

/** The source without that countermeasure. @throws Error when there is not exactly one such place */
export const switchedOff = (source: string, entry: Switch): string => {
  const [at, ...more] = placesOf(source, entry);
  if (at === undefined || more.length > 0)
    throw new Error(`${entry.name}: ${entry.file} has no such place, or several`);
  return source.slice(0, at) + entry.replace + source.slice(at + entry.find.length);
};

/**
 * A plugin of vitest that leaves one countermeasure out of the program, so that a test can show what it is there for: it
 * changes one place of one file as that file is loaded. The program itself has no such switch.
 *
 * @param name of an entry of `switches`; undefined: nothing is changed
 */
export const switchOff = (
  name: string | undefined,
): {
  readonly name: string;
  readonly enforce: 'pre';
  readonly transform: (code: string, id: string) => string | undefined;
} => {
  const entry = switches.find((one) => one.name === name);
  if (name !== undefined && entry === undefined) throw new Error(`${switchVariable}: no countermeasure ${name}`);
  return {
    name: 'switch-off',
    enforce: 'pre',
    transform: (code, id) => {
      const file = relative(process.cwd(), id.replace(/\?.*$/, '')).split(sep).join('/');
      return file === entry?.file ? switchedOff(code, entry) : undefined;
    },
  };
};
