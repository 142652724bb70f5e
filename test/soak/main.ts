import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dim, heading, say } from '../demo/screen.js';
import { Census, onDisks, unsettled } from './census.js';
import { commit, type FaultDeps, missingMeans } from './faults.js';
import { Ledger } from './ledger.js';
import { writeLetter } from './letters.js';
import { type FaultKind, faultKinds, planOf, type PlannedLetter, soakRng } from './plan.js';
import { PostOffice } from './post-office.js';
import { atGreenmail, raiseCurtain, setStage, type Stage, writerShares } from './stage.js';
import { openWorld } from './world.js';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string' },
    faults: { type: 'string', default: faultKinds.join(',') },
    'faults-per-minute': { type: 'string', default: '6' },
    'letters-per-minute': { type: 'string', default: '38' },
    factor: { type: 'string', default: '30' },
    'drain-minutes': { type: 'string', default: '30' },
    logs: { type: 'string' },
  },
});

const minuteMs = 60_000;
const lookEveryMs = 10_000;
const tellEveryMs = 60_000;
/** On the processes' clocks. */
const periodSeconds = 3600;
const nobodyShare = 0.04;
/** Longer than two mix intervals: a second copy would come in them. */
const afterMs = 30_000;

const numberOf = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name}: expected a number, got ${text}`);
  return value;
};

const kindsOf = (text: string): readonly FaultKind[] =>
  text
    .split(',')
    .filter((name) => name !== '' && name !== 'none')
    .map((name) => {
      const kind = faultKinds.find((known) => known === name);
      if (kind === undefined) throw new Error(`--faults: ${name} is not known; there are: ${faultKinds.join(', ')}`);
      return kind;
    });

/** The index that a number from 0 to 1 falls on, when each has such a share. */
const drawn = (shares: readonly number[], place: number): number => {
  let sum = 0;
  const index = shares.findIndex((share) => (sum += share) > place);
  return index === -1 ? shares.length - 1 : index;
};

const main = async (): Promise<number> => {
  const minutes = numberOf('minutes', options.minutes);
  const seed = options.seed === undefined ? Math.floor(Math.random() * 1_000_000) : numberOf('seed', options.seed);
  const factor = numberOf('factor', options.factor);
  const kinds = kindsOf(options.faults);
  const lengthMs = minutes * minuteMs;
  const plan = planOf({
    ...{ seed, lengthMs, kinds },
    faults: numberOf('faults-per-minute', options['faults-per-minute']) * minutes,
    letters: numberOf('letters-per-minute', options['letters-per-minute']) * minutes,
  });
  say(`soak: seed ${seed}, ${minutes} minutes, clocks ${factor} times as fast, faults: ${kinds.join(' ') || 'none'}`);
  const begunAt = Date.now();
  process.env['MIXMAILER_SOAK_CLOCK'] = `${begunAt}:${factor}`;
  process.env['NODE_OPTIONS'] = `--import=${fileURLToPath(new URL('clock.js', import.meta.url))}`;

  const folder = mkdtempSync(path.join(tmpdir(), 'mm-'));
  const closers: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const census = new Census();
  const ledger = new Ledger();
  const office = new PostOffice(ledger);
  const done = new Map<FaultKind, number>();
  const since = (): string => `${((Date.now() - begunAt) / minuteMs).toFixed(1).padStart(5)} min`;
  const tell = (text: string): void => say(`${since()}  ${text}`);
  let findings: readonly string[] = [];
  let stage: Stage | undefined;
  const keepLogs = (): void => {
    if (options.logs === undefined) return;
    mkdirSync(options.logs, { recursive: true });
    for (const { name, log, falls } of stage?.actors ?? [])
      writeFileSync(path.join(options.logs, `${name}.log`), [log, ...falls].join('\n----\n'));
  };
  try {
    const soak = await openWorld(soakRng(seed, 3), atGreenmail);
    closers.unshift(() => soak.close());
    if (!soak.hasGreenmail) say('GreenMail is left out: all mailboxes are at Dovecot');
    const { actors, clients, readers, nobody, network } = (stage = await setStage(folder, soak, periodSeconds));
    closers.unshift(() => network.close());
    closers.unshift(() => actors.forEach((actor) => actor.unmount()));
    closers.unshift(() => Promise.all(actors.map((actor) => actor.stop())).then(() => undefined));
    if (kinds.includes('disk')) for (const actor of actors) if (actor.role !== 'authority') actor.mountDisk();
    const deps: FaultDeps = { actors, soak, readers, factor };
    const missing = missingMeans(deps);
    for (const [kind, why] of missing) if (kinds.includes(kind)) say(`left out: ${kind}: ${why}`);
    await raiseCurtain(stage, 10 * minuteMs);
    tell(`${actors.length} processes have found each other`);

    const startedAt = Date.now();
    const rng = soakRng(seed, 4);
    const write = ({ from, to, bytes }: PlannedLetter): void => {
      const client = clients[drawn(writerShares, from)];
      const isNobody = to < nobodyShare;
      const names = isNobody ? nobody : readers.map(({ address }) => address);
      const name =
        names[Math.floor((isNobody ? to / nobodyShare : (to - nobodyShare) / (1 - nobodyShare)) * names.length)];
      if (client !== undefined && name !== undefined) office.post(writeLetter(client.name, name, bytes, rng), client);
    };
    const over = new AbortController();
    const inTurn = async <T extends { readonly atMs: number }>(
      planned: readonly T[],
      work: (one: T) => void,
    ): Promise<void> => {
      for (const one of planned) {
        await sleep(Math.max(0, startedAt + one.atMs - Date.now()));
        work(one);
      }
    };
    const faults: Promise<void>[] = [];
    const readAll = async (): Promise<void> => {
      // A server that is away now is asked at the next look.
      const looks = [
        ...readers.map((reader) => ledger.readArrivals(reader)),
        ...clients.map(({ place }) => ledger.readNotices(place.account)),
      ];
      await Promise.allSettled(looks);
    };
    const look = async (): Promise<void> => {
      let toldAt = Date.now();
      while (!over.signal.aborted) {
        await sleep(lookEveryMs);
        census.take(actors);
        await readAll();
        if (Date.now() - toldAt < tellEveryMs) continue;
        toldAt = Date.now();
        keepLogs();
        const { accepted, arrived, notified } = ledger.account();
        const count = [...done.values()].reduce((sum, one) => sum + one, 0);
        tell(
          `${count} faults; accepted ${accepted}, arrived ${arrived}, notified ${notified}, under way ${ledger.open}`,
        );
      }
    };
    const looking = look();
    await Promise.all([
      inTurn(plan.letters, write),
      inTurn(plan.faults, (fault) => {
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

    const drainUntil = Date.now() + numberOf('drain-minutes', options['drain-minutes']) * minuteMs;
    let open = Infinity;
    while (Date.now() < drainUntil) {
      await sleep(lookEveryMs);
      open = clients.reduce((sum, client) => sum + unsettled(client), 0);
      if (open === 0 && ledger.open === 0) break;
    }
    tell(`${open === Infinity ? 'no look at what' : open} messages still wait for an answer`);
    await soak.transit.settled();
    await sleep(afterMs);
    over.abort();
    await looking;
    await readAll();
    findings = [
      ...(open === 0 ? [] : [`${open} messages have not come to an end`]),
      ...census.inProcesses(actors),
      ...(await census.inMailboxes(actors)),
    ];
    await Promise.all(actors.map((actor) => actor.stop()));
    findings = [...findings, ...onDisks(actors)];
    const trouble = actors.flatMap(({ name, log }) =>
      /\n\s+at .*\d+:\d+\)?|BUG/.test(log) ? [`${name}: a stack in its log`] : [],
    );
    findings = [...findings, ...trouble];

    const balance = ledger.account();
    const faultCount = [...done.values()].reduce((sum, count) => sum + count, 0);
    heading('What went wrong');
    for (const kind of kinds) say(`  ${kind.padEnd(12)} ${String(done.get(kind) ?? 0).padStart(5)}`);
    say(`  ${'in all'.padEnd(12)} ${String(faultCount).padStart(5)}`);
    const { duplicate, delay, junk, rewrite } = soak.transit.counts;
    say(`  mails doubled ${duplicate}, delayed ${delay}, filed as junk ${junk}, rewritten ${rewrite} on their way`);
    heading('What became of the letters');
    say(
      `  handed in again after a refusal for now, or because the client was away: ${office.counts.again}; refused for good: ${office.counts.refused}`,
    );
    say(`  copies under one Message-ID, which mail programs fold: ${balance.folded}`);
    say(`  arrived, although the sender was told that it may not have: ${balance.falseAlarms}`);
    say(`  mails that nobody wrote: ${balance.strangers}`);
    say(`  processes that ended by themselves, and were started again: ${actors.flatMap(({ falls }) => falls).length}`);
    for (const { name, falls } of actors)
      for (const fall of falls) say(dim(`    ${name}: ${fall.split('\n').at(-1) ?? ''}`));
    say(`  largest process: ${census.peakMb.toFixed(0)} MB`);
    for (const text of balance.lost) say(`  LOST: ${text}`);
    for (const text of balance.doubled) say(`  DOUBLED: ${text}`);
    for (const text of findings) say(`  LEAK: ${text}`);
    say();
    const { accepted, arrived, notified, lost, doubled } = balance;
    say(
      `accepted ${accepted}, arrived ${arrived}, notified ${notified}, lost ${lost.length}, doubled ${doubled.length}, leaks ${findings.length}`,
    );
    return lost.length === 0 && doubled.length === 0 && findings.length === 0 && balance.strangers === 0 ? 0 : 1;
  } finally {
    keepLogs();
    for (const close of closers) await close();
  }
};

process.exitCode = await main();
