import { setTimeout as sleep } from 'node:timers/promises';
import { dim } from '../demo/screen.js';
import { Census, exitsAmong, exitsByLetter, mostWaiting, onDisks, unsettled, waitingPackets } from './census.js';
import { hasStack, isUnexplained, tellFall } from './ends.js';
import { commit, type FaultDeps, missingMeans } from './faults.js';
import { type Balance, Ledger } from './ledger.js';
import { writeLetter } from './letters.js';
import type { Options } from './options.js';
import { type FaultKind, planOf, type PlannedLetter, soakRng } from './plan.js';
import { PostOffice } from './post-office.js';
import type { Stage } from './stage.js';
import { afterMsAt } from './times.js';
import type { SoakWorld } from './world.js';

const minuteMs = 60_000;
const lookEveryMs = 10_000;
const tellEveryMs = 60_000;
const nobodyShare = 0.04;
/** So long may it take until what a busy moment has left behind is gone. What stays is a leak. */
const calmMs = 5 * minuteMs;

/** What came of a run. */
export interface Outcome {
  readonly balance: Balance;
  /** How many copies may come of mails that an exit can't know about (`Excuses`). */
  readonly doubts: number;
  readonly done: ReadonlyMap<FaultKind, number>;
  readonly leaks: readonly string[];
  readonly handed: PostOffice['counts'];
  readonly peakMb: number;
}

export interface RunDeps {
  readonly options: Options;
  readonly soak: SoakWorld;
  readonly stage: Stage;
  readonly tell: (text: string) => void;
  /** Called now and then. */
  readonly keepLogs: () => void;
}

/** The index that a number from 0 to 1 falls on, when each has such a share. */
const drawn = (shares: readonly number[], place: number): number => {
  let sum = 0;
  const index = shares.findIndex((share) => (sum += share) > place);
  return index === -1 ? shares.length - 1 : index;
};

const inTurn = async <T extends { readonly atMs: number }>(
  planned: readonly T[],
  startedAt: number,
  work: (one: T) => void,
): Promise<void> => {
  for (const one of planned) {
    await sleep(Math.max(0, startedAt + one.atMs - Date.now()));
    work(one);
  }
};

const sumOver = <T>(items: readonly T[], of: (one: T) => number): number =>
  items.reduce((sum, one) => sum + of(one), 0);

const sumOf = (counts: ReadonlyMap<FaultKind, number>): number =>
  [...counts.values()].reduce((sum, one) => sum + one, 0);

/** Writes letters and commits faults as planned, lets all come to its end, and looks what came of it. */
export const runSoak = async ({ options, soak, stage, tell, keepLogs }: RunDeps): Promise<Outcome> => {
  const { seed, kinds, factor } = options;
  const { size, actors, clients, readers, nobody } = stage;
  const shares = size.clients.map(({ letters }) => letters);
  const lengthMs = options.minutes * minuteMs;
  const plan = planOf({ seed, kinds, lengthMs, faults: options.faults, letters: options.letters });
  const census = new Census();
  const ledger = new Ledger();
  const office = new PostOffice(ledger);
  const deps: FaultDeps = { actors, soak, readers, factor };
  const missing = missingMeans(deps);
  for (const [kind, why] of missing) if (kinds.includes(kind)) tell(`left out: ${kind}: ${why}`);

  const rng = soakRng(seed, 4);
  const write = ({ from, to, bytes }: PlannedLetter): void => {
    const client = clients[drawn(shares, from)];
    const isForNobody = to < nobodyShare;
    const names = isForNobody ? nobody : readers.map(({ address }) => address);
    const place = isForNobody ? to / nobodyShare : (to - nobodyShare) / (1 - nobodyShare);
    const name = names[Math.floor(place * names.length)];
    if (client !== undefined && name !== undefined) office.post(writeLetter(client.name, name, bytes, rng), client);
  };
  const readAll = async (): Promise<void> => {
    // A server that is away now is asked at the next look.
    const looks = await Promise.allSettled([
      ...readers.map((reader) => ledger.readArrivals(reader)),
      ...clients.map(({ place }) => ledger.readNotices(place.account)),
    ]);
    for (const one of looks) if (one.status === 'rejected') tell(`a mailbox could not be read: ${String(one.reason)}`);
  };
  const mostPackets = (): number => Math.max(...clients.map(waitingPackets));
  /** Before, a disk may be full, and then a database can't be opened. */
  let isDraining = false;
  const done = new Map<FaultKind, number>();
  const over = new AbortController();
  const look = async (): Promise<void> => {
    for (let toldAt = Date.now(); !over.signal.aborted;) {
      await sleep(lookEveryMs);
      census.take(actors);
      await readAll();
      if (Date.now() - toldAt < tellEveryMs) continue;
      toldAt = Date.now();
      keepLogs();
      const { accepted, arrived, notified } = ledger.balance();
      const counts = `accepted ${accepted}, arrived ${arrived}, notified ${notified}, under way ${ledger.open}`;
      tell(
        `${sumOf(done)} faults; ${counts}${isDraining ? `; packets that wait in a client: at most ${mostPackets()}` : ''}`,
      );
    }
  };
  const looking = look();

  const startedAt = Date.now();
  const faults: Promise<void>[] = [];
  await Promise.all([
    inTurn(plan.letters, startedAt, write),
    inTurn(plan.faults, startedAt, (fault) => {
      if (missing.has(fault.kind)) return;
      const what = commit(fault, deps).then(
        (text) => {
          done.set(fault.kind, (done.get(fault.kind) ?? 0) + 1);
          tell(dim(`${fault.kind}: ${text}`));
        },
        (error: unknown) => tell(`${fault.kind} could not be done: ${(error as Error).message}`),
      );
      faults.push(what);
    }),
  ]);
  await sleep(Math.max(0, startedAt + lengthMs - Date.now()));
  await Promise.all(faults);
  await office.close(2 * minuteMs);
  tell('no more faults and letters; what is under way has time to come to its end');

  const openMessages = (): number => clients.reduce((sum, client) => sum + unsettled(client), 0);
  const drainUntil = Date.now() + options.drainMinutes * minuteMs;
  isDraining = true;
  // Copies of what has arrived meanwhile leave in their slots, too.
  const isUnderWay = (): boolean => openMessages() > 0 || ledger.open > 0 || mostPackets() > mostWaiting;
  while (Date.now() < drainUntil && isUnderWay()) {
    await sleep(lookEveryMs);
    if (openMessages() === 0 && ledger.open > 0) ledger.lookAgain();
  }
  const open = openMessages();
  tell(`${open} messages still wait for an answer`);
  await soak.transit.settled();
  await sleep(afterMsAt(factor));
  const isCalm = async (): Promise<boolean> => [...(await census.inMailboxes(actors)), ...onDisks(actors)].length === 0;
  for (const until = Date.now() + calmMs; Date.now() < until && !(await isCalm());) await sleep(lookEveryMs);
  over.abort();
  await looking;
  if (ledger.open > 0) ledger.lookAgain();
  await readAll();
  const running = [...census.inProcesses(actors), ...(await census.inMailboxes(actors))];
  await Promise.all(actors.map((actor) => actor.stop()));
  const stacks = actors.filter(({ log }) => hasStack(log)).map(({ name }) => `${name}: a stack in its log`);
  const ends = actors.flatMap(({ name, falls }) =>
    falls.filter(isUnexplained).map((fall) => `${name} ${tellFall(fall)}`),
  );
  const doubts =
    sumOver(exitsAmong(actors), ({ place }) => place.smtp.doubts()) +
    sumOver(readers, ({ address }) => soak.transit.doubledTo(address)) +
    // Letters come one at a time from Postfix: at its end one may have been brought already.
    (done.get('restart') ?? 0);
  return {
    balance: ledger.balance({ exits: exitsByLetter(actors), doubts }),
    doubts,
    done,
    leaks: [
      ...(open === 0 ? [] : [`${open} messages have not come to an end`]),
      ...running,
      ...onDisks(actors),
      ...stacks,
      ...ends,
    ],
    handed: office.counts,
    peakMb: census.peakMb,
  };
};
