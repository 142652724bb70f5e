import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dim, heading, say } from '../demo/screen.js';
import { keepDatabases } from './census.js';
import { tellFall } from './ends.js';
import { type Options, readOptions } from './options.js';
import { soakRng } from './plan.js';
import { type Outcome, runSoak } from './run.js';
import { atGreenmail, raiseCurtain, setStage, type Stage } from './stage.js';
import { openWorld, type SoakWorld } from './world.js';

const minuteMs = 60_000;
/** A list and the next, and the time in which everybody hears of it. */
const beginMs = 30 * minuteMs;
/** The time in which nodes become known to authorities before these vote on the first list. */
const beforeVoteMs = 3 * minuteMs;

/** What the clocks show at the beginning: so long before a vote, which is half a period before its list. */
const startOf = ({ factor, size }: Options, begunAt: number): number => {
  const periodMs = size.periodSeconds * 1000;
  return Math.ceil(begunAt / periodMs) * periodMs + periodMs / 2 - beforeVoteMs * factor;
};

const tellOutcome = ({ kinds }: Options, { balance, doubts, done, leaks, handed, peakMb }: Outcome): void => {
  heading('What went wrong');
  for (const kind of kinds) say(`  ${kind.padEnd(12)} ${String(done.get(kind) ?? 0).padStart(5)}`);
  const all = [...done.values()].reduce((sum, count) => sum + count, 0);
  say(`  ${'in all'.padEnd(12)} ${String(all).padStart(5)}`);
  heading('What became of the letters');
  say(
    `  handed in again, because the client was away or said later: ${handed.again}; refused for good: ${handed.refused}`,
  );
  say(`  copies under one Message-ID, which mail programs fold: ${balance.folded}`);
  say(`  those that no second exit explains: ${balance.unexplained}; so many could not be known of: ${doubts}`);
  say(`  arrived, although the sender was told that they may not have: ${balance.falseAlarms}`);
  say(`  mails that nobody wrote: ${balance.strangers}`);
  say(`  largest process: ${peakMb.toFixed(0)} MB`);
  for (const text of balance.lost) say(`  LOST: ${text}`);
  for (const text of balance.doubled) say(`  DOUBLED: ${text}`);
  for (const text of leaks) say(`  LEAK: ${text}`);
};

const tellFalls = ({ actors }: Stage, { transit }: SoakWorld): void => {
  const { duplicate, delay, junk, rewrite } = transit.counts;
  say(`  mails doubled ${duplicate}, delayed ${delay}, filed as junk ${junk}, rewritten ${rewrite} on their way`);
  say(`  processes that ended by themselves, and were started again: ${actors.flatMap(({ falls }) => falls).length}`);
  for (const { name, falls } of actors) for (const fall of falls) say(dim(`    ${name} ${tellFall(fall)}`));
};

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2));
  const { minutes, seed, factor, kinds, logs } = options;
  say(`soak: seed ${seed}, ${minutes} minutes, clocks ${factor} times as fast, faults: ${kinds.join(' ') || 'none'}`);
  const begunAt = Date.now();
  const tell = (text: string): void =>
    say(`${((Date.now() - begunAt) / minuteMs).toFixed(1).padStart(5)} min  ${text}`);
  // For every process that is started from here on.
  process.env['MIXMAILER_SOAK_CLOCK'] = `${begunAt}:${factor}:${startOf(options, begunAt)}`;
  process.env['NODE_OPTIONS'] = `--import=${fileURLToPath(new URL('clock.js', import.meta.url))}`;

  const folder = mkdtempSync(path.join(tmpdir(), 'mm-'));
  const closers: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const closeAll = async (): Promise<void> => {
    for (let close = closers.shift(); close !== undefined; close = closers.shift()) await close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void closeAll().finally(() => process.exit(130)));
  try {
    const soak = await openWorld(soakRng(seed, 3), atGreenmail);
    closers.unshift(() => soak.close());
    if (!soak.hasGreenmail) say('GreenMail is left out: all mailboxes are at Dovecot');
    const stage = await setStage(folder, soak, options.size);
    const { actors, network } = stage;
    closers.unshift(() => network.close());
    closers.unshift(() => {
      for (const actor of actors) actor.unmount();
    });
    closers.unshift(async () => {
      await Promise.all(actors.map((actor) => actor.stop()));
    });
    if (kinds.includes('disk')) for (const actor of actors) actor.mountDisk();
    const keepLogs = (): void => {
      if (logs === undefined) return;
      mkdirSync(logs, { recursive: true });
      for (const { name, log, falls } of actors)
        writeFileSync(path.join(logs, `${name}.log`), [log, ...falls.map(({ text }) => text)].join('\n----\n'));
    };
    closers.unshift(keepLogs);
    await raiseCurtain(stage, beginMs);
    tell(`${actors.length} processes have found each other`);
    const outcome = await runSoak({ options, soak, stage, tell, keepLogs });
    keepLogs();
    if (logs !== undefined) keepDatabases(actors, logs);
    tellOutcome(options, outcome);
    tellFalls(stage, soak);
    const { accepted, arrived, notified, lost, doubled, strangers } = outcome.balance;
    const [lostCount, doubledCount, leakCount] = [lost.length, doubled.length, outcome.leaks.length];
    say();
    say(
      `accepted ${accepted}, arrived ${arrived}, notified ${notified}, lost ${lostCount}, doubled ${doubledCount}, leaks ${leakCount}`,
    );
    return lostCount + doubledCount + leakCount + strangers === 0 ? 0 : 1;
  } finally {
    await closeAll();
  }
};

process.exitCode = await main();
