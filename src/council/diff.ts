import { badDocument, canonicalLines, digestOf, inRange, readDigest, refuseLarger } from '../route/document.js';

/** A list taken apart. */
interface Taken {
  /** The first line, each field with its data, each inner document whole: together the body, what is signed. */
  readonly units: readonly string[];
  /** The lines behind the body: signatures and end line. */
  readonly rest: readonly string[];
  /** Of the list: SHA-256 of the body. */
  readonly digest: string;
}

const listName = 'mixmailer-network';
const diffName = 'mixmailer-diff';
const longestLine = 901;

/** @throws RouteError `route/bad-document` when that isn't a list by its frame */
const takeApart = (text: string): Taken => {
  const lines = canonicalLines(text);
  if (lines[0] !== `${listName} 1` || lines.at(-1) !== `end ${listName}`)
    throw badDocument('expected a network list and nothing around it');
  const units: string[] = [];
  let unit = '';
  let innerEnd: string | undefined;
  let at = 0;
  for (; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (innerEnd === undefined) {
      if (/^(?:signature|end) /.test(line)) break;
      if (!line.startsWith('data ') && unit !== '') {
        units.push(unit);
        unit = '';
        if (line.startsWith('mixmailer-')) innerEnd = `end ${line.split(' ', 1)[0] ?? ''}`;
      }
    } else if (line === innerEnd) innerEnd = undefined;
    unit += `${line}\n`;
  }
  units.push(unit);
  const body = units.join('');
  if (!/^[\n\x20-\x7e]*$/.test(body)) throw badDocument('expected printable ASCII characters only');
  return { units, rest: lines.slice(at), digest: digestOf(body) };
};

/**
 * How a list follows from an earlier one.
 *
 *   mixmailer-diff 1
 *   from <digest of the earlier list>
 *   to <digest of the new list>
 *   =<first unit> <count>                              that many units of the earlier list, counted from 0
 *   +<line>                                            a new line
 *   end mixmailer-diff
 *
 * The units of a list are its first line, each field with its `data` lines, and each inner document as a whole. Its
 * signatures are none, so it doesn't matter whose signatures a reader's copy of the earlier list carries.
 *
 * @param oldText a canonical list
 * @param newText a canonical list
 * @throws RouteError `route/bad-document` when one of them isn't that
 */
export const makeDiff = (oldText: string, newText: string): string => {
  const from = takeApart(oldText);
  const to = takeApart(newText);
  const places = new Map<string, number>();
  from.units.forEach((unit, at) => {
    if (!places.has(unit)) places.set(unit, at);
  });
  const out = [`${diffName} 1`, `from ${from.digest}`, `to ${to.digest}`];
  let run = { first: 0, count: 0 };
  const endRun = (): void => {
    if (run.count > 0) out.push(`=${run.first} ${run.count}`);
    run = { first: 0, count: 0 };
  };
  for (const unit of to.units) {
    const next = run.first + run.count;
    // Rather the unit behind the last one than an equal one elsewhere.
    if (run.count > 0 && from.units[next] === unit) {
      run.count++;
      continue;
    }
    endRun();
    const at = places.get(unit);
    if (at === undefined) for (const line of unit.trimEnd().split('\n')) out.push(`+${line}`);
    else run = { first: at, count: 1 };
  }
  endRun();
  return [...out, ...to.rest.map((line) => `+${line}`), `end ${diffName}`, ''].join('\n');
};

/** What a difference says, its steps unread. @throws RouteError `route/bad-document` */
const readDiff = (text: string): { readonly from: string; readonly to: string; readonly steps: readonly string[] } => {
  const lines = canonicalLines(text);
  if (lines[0] !== `${diffName} 1` || lines.at(-1) !== `end ${diffName}`)
    throw badDocument('expected a difference of version 1 and nothing around it');
  const digestBehind = (word: string, line = ''): string => {
    const digest = line.startsWith(`${word} `) ? readDigest(line.slice(word.length + 1)) : undefined;
    if (digest === undefined) throw badDocument(`${word}: expected 64 lower-case hex digits`);
    return digest;
  };
  return { from: digestBehind('from', lines[1]), to: digestBehind('to', lines[2]), steps: lines.slice(3, -1) };
};

/** Which list a difference is for, and which one comes of it. @throws RouteError `route/bad-document` */
export const endsOfDiff = (diffText: string): { readonly from: string; readonly to: string } => {
  const { from, to } = readDiff(diffText);
  return { from, to };
};

/**
 * The new list, of the digest that the difference names. Who signed it is still to be checked, and whether it is a
 * well-formed list.
 *
 * @param oldText a canonical list
 * @param mostCharacters of the difference, and of the list that comes of it: a few lines could ask for any number of
 *   copies of the old one
 * @throws RouteError `route/bad-document` when it is for another list, or isn't well-formed, or leads to another list
 */
export const applyDiff = (oldText: string, diffText: string, mostCharacters: number): string => {
  refuseLarger(diffText, mostCharacters);
  const { from, to, steps } = readDiff(diffText);
  const old = takeApart(oldText);
  if (old.digest !== from) throw badDocument('the difference is for another list than this one');
  // The characters before each unit, so that a copy is measured before it is made.
  const before = [0];
  for (const unit of old.units) before.push((before.at(-1) ?? 0) + unit.length);
  const pieces: string[] = [];
  let length = 0;
  const grow = (by: number): void => {
    length += by;
    if (length > mostCharacters) throw badDocument(`the difference leads to more than ${mostCharacters} characters`);
  };
  for (const step of steps) {
    if (step.startsWith('+')) {
      // Trimmed at both ends, as a line of a list is: or the text would change when it is read.
      const line = step.slice(1);
      if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(line) || step.length > longestLine)
        throw badDocument('a new line of a difference: expected printable ASCII characters');
      grow(line.length + 1);
      pieces.push(`${line}\n`);
      continue;
    }
    const [first = -1, count = 0] = (/^=(\d+) (\d+)$/.exec(step)?.slice(1) ?? []).map(inRange(0, old.units.length));
    if (first < 0 || count < 1 || first + count > old.units.length)
      throw badDocument('a difference copies what is not in the list');
    grow((before[first + count] ?? 0) - (before[first] ?? 0));
    pieces.push(old.units.slice(first, first + count).join(''));
  }
  const text = pieces.join('');
  if (takeApart(text).digest !== to) throw badDocument('the difference leads to another list than it says');
  return text;
};
