import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Loaded before a `mixmailer` process (`node --import`), it makes hours pass in a minute: `Date` runs faster by a
 * factor, and jumps when the file `clock` beside the process's configuration says so. Timers that count the time of the network
 * run faster too; what waits for a mail server doesn't, because that server is a real one.
 *
 *   MIXMAILER_SOAK_CLOCK = begun at (epoch ms) : factor : what the clocks showed then (epoch ms)
 *   clock                = milliseconds that this process's clock is ahead
 */
const [begunAt = 0, factor = 1, startAt = begunAt] = (process.env['MIXMAILER_SOAK_CLOCK'] ?? '').split(':').map(Number);

const RealDate = Date;
const realTimeout = setTimeout;
/** To open a file costs as much as what a process does in a hundredth of a second. */
const lookEveryMs = 1000;

const configAt = process.argv.indexOf('--config');
const jumpFile = configAt === -1 ? undefined : path.join(path.dirname(process.argv[configAt + 1] ?? ''), 'clock');

const readJump = (): number => {
  try {
    return jumpFile === undefined ? 0 : Number(readFileSync(jumpFile, 'utf8'));
  } catch {
    return 0;
  }
};
let aheadMs = readJump();
const look = (): void => {
  aheadMs = readJump();
  realTimeout(look, lookEveryMs).unref();
};
look();

const now = (): number => Math.floor(startAt + (RealDate.now() - begunAt) * factor + aheadMs);

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: ConstructorParameters<typeof Date> | [], fresh) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, fresh) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, name, receiver): unknown => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});

/** Where this program waits for its own hours, not for a server. */
const ours = /\/(cron-ticker|imap-watch|jobs)\.js/;

const callerIsOurs = (below: (...args: never[]) => unknown): boolean => {
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, below);
  Error.stackTraceLimit = usual;
  return ours.test(holder.stack ?? '');
};

const scaledTimeout = (work: () => void, delayMs = 0, ...args: []): NodeJS.Timeout =>
  realTimeout(work, callerIsOurs(scaledTimeout) ? delayMs / factor : delayMs, ...args);
globalThis.setTimeout = Object.assign<typeof scaledTimeout, typeof realTimeout>(scaledTimeout, realTimeout);
