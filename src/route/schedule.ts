import { dayMs } from '../base/units.js';

/** Bounds of the fields of a cron expression with seconds: second, minute, hour, day of month, month, day of week. */
const bounds = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

/** How many values a field such as `1,5-8` or `0-30/10` allows; undefined if it is none. */
const countIn = (field: string, [from, to]: readonly [number, number]): number | undefined => {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const found = /^(?:(\d+)|(?:\*|(\d+)-(\d+))(?:\/(\d+))?)$/.exec(part);
    if (found === null) return undefined;
    const [, alone, first, last, step] = found;
    const begin = Number(alone ?? first ?? from);
    const end = Number(alone ?? last ?? to);
    if (begin < from || end > to || Number(step ?? 1) === 0) return undefined;
    for (let value = begin; value <= end; value += Number(step ?? 1)) values.add(value);
  }
  return values.size;
};

/**
 * Mean time between two ticks of a cron expression of 5 fields, or 6 with seconds first, over a long time; undefined if
 * it is none of digits and `* / , -`.
 */
export const meanIntervalMs = (schedule: string): number | undefined => {
  const fields = schedule.split(' ');
  const all = fields.length === 5 ? ['0', ...fields] : fields;
  if (all.length !== bounds.length) return undefined;
  let ticksPerDay = 1;
  for (const [i, bound] of bounds.entries()) {
    const count = countIn(all[i] ?? '', bound);
    if (count === undefined || count === 0) return undefined;
    // Sunday is 0 and 7.
    const span = i === 5 ? 7 : bound[1] - bound[0] + 1;
    // Of seconds, minutes and hours a day has all; of days and months only a part is one.
    ticksPerDay *= i < 3 ? count : Math.min(1, count / span);
  }
  return dayMs / ticksPerDay;
};
