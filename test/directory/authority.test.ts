import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { MailError } from '../../src/base/errors.js';
import { seededRng } from '../../src/base/random.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail } from '../../src/carrier/carrier.js';
import { signOwn } from '../../src/council/documents.js';
import { signAnswer, signLeave } from '../../src/council/membership.js';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { inspectNetwork, type Network, readNetwork } from '../../src/route/network.js';
import type { AuthorityStore } from '../../src/ports/authority.js';
import type { Inbox } from '../../src/ports/mail.js';
import type { Ticker } from '../../src/ports/ticker.js';
import { purgeSchedule } from '../../src/post/purge.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { fakeDirectory } from '../fakes/directory.js';
import type { Wrap } from '../fakes/network.js';
import { at } from './stories.js';

/** A ticker whose ticks the test makes. */
const handTicker = (): {
  readonly ticker: Ticker;
  readonly tick: () => Promise<void>;
  readonly schedules: string[];
} => {
  const jobs: (() => Promise<void>)[] = [];
  const schedules: string[] = [];
  return {
    schedules,
    ticker: {
      every: (schedule, job) => {
        schedules.push(schedule);
        jobs.push(job);
        return { stop: () => Promise.resolve() };
      },
    },
    tick: async () => {
      for (const job of jobs) await job();
    },
  };
};

/** Lets what waits for memory only come to its end. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

describe('an authority as a process', () => {
  it('takes a node in, makes a list alone, and ends when it is told to', async () => {
    const directory = fakeDirectory({ authorities: 1, nodes: 1, probesPerPeriod: 0 });
    const [authority, node] = [at(directory.authorities, 0), at(directory.nodes, 0)];
    // The test's own turns are not its.
    authority.isDead = true;
    const stop = new AbortController();
    const { ticker, tick, schedules } = handTicker();
    const running = authority.run(ticker, stop.signal);
    await node.announce();
    while (authority.list() === undefined) {
      await settle();
      await directory.runUntil(directory.now() + directory.periodMs / 16);
      await tick();
    }
    expect(authority.list()?.nodes.map(({ name }) => name)).toEqual(['mix1']);
    expect(schedules).toContain('*/10 * * * * *');
    expect(schedules).toContain(purgeSchedule);
    stop.abort();
    await running;
  });

  it('looks every second where periods are short', async () => {
    const directory = fakeDirectory({ authorities: 1, nodes: 0, periodMs: 20_000 });
    const stop = new AbortController();
    const { ticker, schedules } = handTicker();
    const running = at(directory.authorities, 0).run(ticker, stop.signal);
    expect(schedules).toContain('* * * * * *');
    stop.abort();
    await running;
  });
});

it('an authority takes its probes home although the directory’s mails can’t be read in a folder, nor probes there', async () => {
  const directory = fakeDirectory({ authorities: 1, nodes: 0 });
  const authority = at(directory.authorities, 0);
  const { account } = authority;
  const rng = seededRng(new Uint8Array(32));
  const packet = (): Uint8Array => Uint8Array.of(1, ...rng(geometry.packetBytes - 1));
  const mail = { from: 'mix@mix1.test', to: account.address, now: directory.now(), rng };
  account.mailbox.put(composeCarrierMail({ ...mail, bundle: joinBundle([packet()], packet, rng) }, nodeBase64));
  const refusing: Wrap = (name, port) => {
    if (name !== 'inbox') return port;
    const { fetch, look } = port as unknown as Inbox;
    const refused = (): Promise<never> => Promise.reject(new MailError('mail/protocol', 'NO'));
    const but: Inbox['fetch'] = (folder, ...more) => (folder === 'Junk' ? refused() : fetch(folder, ...more));
    const lookBut: Inbox['look'] = (folder, ...more) => (folder === 'Junk' ? refused() : look(folder, ...more));
    return { ...port, fetch: but, look: lookBut, folders: () => Promise.resolve(['Junk', 'INBOX']) };
  };
  authority.wrapTurns = () => refusing;
  await expect(authority.turn()).rejects.toThrow(MailError);
  expect(account.mailbox.raws()).toEqual([]);
});

describe('what strangers have signed', () => {
  it('is not worth the check of a signature where only authorities or nodes that are known have a say', async () => {
    const directory = fakeDirectory({ authorities: 1, nodes: 0 });
    const authority = at(directory.authorities, 0);
    const eve = directory.rng(32);
    const documents = [
      signOwn('vote', ['number 1'], eve),
      signOwn('reveal', ['number 1'], eve),
      signOwn('endorsement', ['number 1'], eve),
      signAnswer({ authority: authority.key, nonce: '77'.repeat(32) }, eve),
      signLeave({ publishedAt: directory.now() }, eve),
    ].map((text) => text.replace(/^data .*$/m, `data ${'A'.repeat(64)}`));
    await directory.mail('eve@bad.test', authority.account.address, documents);
    await authority.turn();
    expect(authority.logged.filter((line) => /^(gather|directory)/.test(line))).toEqual([
      'directory {"useless":3,"in-answer":1,"in-leave":1}',
      'gather {"answer/unasked":1,"leave/known":1}',
    ]);
  });
});

describe('one authority alone', () => {
  const start = async (nodes: number) => {
    const directory = fakeDirectory({ authorities: 1, nodes, periodMs: hourMs, turnsAPeriod: 60 });
    // Nobody begins at the full hour.
    await directory.runUntil(directory.now() + 10 * minuteMs);
    for (const node of directory.nodes) await node.announce();
    return { directory, authority: at(directory.authorities, 0), begunAt: directory.now() };
  };

  it('makes a first list within minutes once there are nodes for a way there and a way back, and says everything once', async () => {
    const { directory, authority, begunAt } = await start(4);
    await directory.runUntil(begunAt + 5 * minuteMs);
    const first = authority.list();
    expect(first?.nodes).toHaveLength(4);
    expect(first?.consensus?.number).toBe(Math.floor(begunAt / hourMs));
    const trust = { authorities: [authority.key], threshold: 1 };
    expect(readNetwork(first?.text ?? '', trust, directory.now()).digest).toBe(first?.digest);
    // A fifth that comes after that waits for the next one, which follows.
    await directory.addNode('mix5').announce();
    await directory.runUntil((Math.floor(begunAt / hourMs) + 1) * hourMs);
    const second = authority.list();
    expect(second?.previous).toBe(first?.digest);
    expect(second?.nodes.map(({ name }) => name)).toContain('mix5');
    expect(authority.logged.join('\n')).not.toMatch(/contradict|no-agreement/);
  });

  it('waits while one node comes after the other', async () => {
    const { directory, authority, begunAt } = await start(4);
    await directory.runUntil(begunAt + 1.5 * minuteMs);
    await directory.addNode('mix5').announce();
    await directory.runUntil(begunAt + 8 * minuteMs);
    expect(authority.list()?.nodes).toHaveLength(5);
    expect(authority.list()?.previous).toBeUndefined();
  });

  it('makes a list of fewer nodes at its hour, and none of nobody', async () => {
    const { directory, authority, begunAt } = await start(3);
    await directory.runUntil(begunAt + 30 * minuteMs);
    expect(authority.list()).toBeUndefined();
    await directory.runUntil(begunAt + 50 * minuteMs);
    expect(authority.list()?.nodes).toHaveLength(3);
    const empty = await start(0);
    await empty.directory.runUntil(empty.begunAt + 2 * hourMs);
    expect(empty.authority.list()).toBeUndefined();
    expect(empty.authority.logged.join('\n')).not.toMatch(/no-agreement/);
  });

  /** An authority with a list, whose clock was ahead by so much for so long and is right again. */
  const wasAhead = async (byHours: number, forHours: number) => {
    const { directory, authority, begunAt } = await start(4);
    await directory.runUntil(begunAt + 5 * minuteMs);
    const first = authority.list();
    const hour = Math.floor(begunAt / hourMs);
    authority.skewMs = byHours * hourMs;
    await directory.runUntil((hour + forHours) * hourMs + 40 * minuteMs);
    expect(authority.store.consensuses()[0]?.number).toBeGreaterThan(hour + byHours + forHours - 1);
    authority.skewMs = 0;
    for (const node of directory.nodes) await node.announce();
    return { directory, authority, first, hour: hour + forHours };
  };
  const listInForce = (store: AuthorityStore, now: number): Network => {
    const { digest = '' } = store.consensuses().find(({ number }) => number * hourMs <= now) ?? {};
    return inspectNetwork(store.consensusText(digest) ?? '', []).network;
  };

  it.each([1, 6])('whose clock was a day ahead for %s hours goes on with the lists of today', async (forHours) => {
    const { directory, authority, first, hour } = await wasAhead(27, forHours);
    await directory.runUntil((hour + 3) * hourMs);
    const { consensus, nodes } = listInForce(authority.store, directory.now());
    expect(consensus?.number).toBe(hour + 3);
    expect(nodes).toHaveLength(4);
    // Four lists are kept, so after more of them ahead the one before is not known any more.
    expect(consensus?.history.some(({ digest }) => digest === first?.digest)).toBe(forHours < 4);
  });

  it('that has signed for hours to come signs no second list for them', async () => {
    const { directory, authority, hour } = await wasAhead(4, 1);
    const ahead = authority.store.consensuses().filter(({ number }) => number > hour + 1);
    expect(ahead.length).toBeGreaterThan(0);
    for (let hours = 1; hours < 8; hours++) {
      await directory.runUntil((hour + hours) * hourMs);
      const { consensus, digest } = listInForce(authority.store, directory.now());
      expect(consensus?.number).toBe(hour + hours);
      for (const one of ahead) if (one.number === hour + hours) expect(digest).toBe(one.digest);
    }
    expect(authority.logged.join('\n')).not.toMatch(/contradict|fork|no-agreement/);
  });

  it('that slept through its hour makes the list late', async () => {
    const { directory, authority, begunAt } = await start(4);
    await directory.runUntil(begunAt + 5 * minuteMs);
    const first = authority.list();
    authority.isDead = true;
    await directory.runUntil((Math.floor(begunAt / hourMs) + 1) * hourMs + 10 * minuteMs);
    authority.isDead = false;
    await directory.runUntil(directory.now() + 2 * minuteMs);
    expect(authority.list()?.consensus?.number).toBe((first?.consensus?.number ?? 0) + 1);
  });
});
