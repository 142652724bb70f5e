import { type Rng, seededRng, uniformInt } from '../../src/base/random.js';
import { hourMs, minuteMs } from '../../src/base/units.js';
import type { HealthRecord, Role } from '../../src/ports/health.js';
import type { Log } from '../../src/ports/log.js';
import type { Look, Status } from '../../src/ports/status.js';
import { Book } from '../../src/post/book.js';
import type { Network } from '../../src/route/network.js';
import { layeredOf, nodeAt, now as listedAt, standingOf } from '../route/nodes.js';

/** A morning in the time of the list of test/route/nodes. */
export const storyAt = listedAt + 9.5 * hourMs;

const names = 'amber birch cedar delta ember fjord grove heron islet jetty knoll larch'.split(' ');
const providers = ['mail.example', 'post.example', 'letters.example', 'box.example', 'inbox.example', 'pigeon.example'];

/** Twelve nodes at six providers in three layers; one is leaving, and each says how busy it is. */
export const storyNetwork = (): Network => {
  const nodes = names.map((name, i) => ({
    ...nodeAt(providers[i % providers.length] ?? '', name, i < 6 ? ['mix', 'exit'] : ['mix']),
    load: { packets: 30, deliveries: 400 },
  }));
  const standings = new Map(
    nodes.map(({ nodeId, provider }, i) => [
      nodeId,
      standingOf(provider, { deliveredPerMille: 1000 - 15 * i, medianMs: (20 + i) * minuteMs, leaving: i === 11 }),
    ]),
  );
  return layeredOf(nodes, { successors: 2, standings });
};

export interface StoryOptions {
  readonly role?: Role;
  readonly name?: string;
  readonly hours?: number;
  readonly network?: Network | undefined;
  readonly floorBits?: number;
  readonly look?: Partial<Look>;
  readonly record?: Partial<HealthRecord>;
}

/** A process with a past. */
export interface Story {
  readonly book: Book;
  readonly log: Log;
  readonly status: () => Status;
  readonly now: () => number;
  /** Moves the time, a minute at a time, and lets the process tell of itself at each. */
  readonly pass: (ms: number) => void;
  /** What is there from now on, and how the process is. */
  readonly becomes: (look: Partial<Look>, record?: Partial<HealthRecord>) => void;
}

const between = (rng: Rng, from: number, to: number): number => from + uniformInt(rng, to - from + 1);

const silent: Log = { info: () => undefined, warn: () => undefined };

/** What happened in an hour of an ordinary day, as the log of that role has it. */
const anHour = (log: Log, role: Role, rng: Rng, at: number): void => {
  const isDay = Math.sin(((at % (24 * hourMs)) / (24 * hourMs)) * 2 * Math.PI - 2) > 0;
  const busy = isDay ? 40 : 12;
  switch (role) {
    case 'node':
      for (let flush = 0; flush < 5; flush++)
        log.info('mix', {
          in: between(rng, busy, 2 * busy),
          out: between(rng, busy, 2 * busy),
          loop: between(rng, 2, 3),
          cover: between(rng, 4, 8),
          hopBits: 5.1,
          'packet/replayed': between(rng, 0, 1),
          'packet/bad-mac': flush === 0 ? between(rng, 0, 2) : 0,
        });
      log.info('post', { accepted: between(rng, 18, 28), 'later-temporary': between(rng, 0, 2) });
      return;
    case 'client':
      log.info('post', { accepted: 3 });
      log.info('collect', { answer: between(rng, 8, 14) });
      return;
    case 'authority':
      log.info('post', { accepted: between(rng, 8, 14) });
      log.info('probes', { home: between(rng, 10, 30) });
      log.info('gather', { 'answer/proven': 1 });
  }
};

const waitingOf: Readonly<Record<Role, Look['waiting']>> = {
  node: { pool: 47, outgoing: 3, 'open messages': 12 },
  client: {
    'messages waiting': 2,
    'messages in the network': 11,
    'messages delivered': 64,
    'messages failed': 1,
    pool: 14,
    outgoing: 0,
  },
  authority: { members: 12, candidates: 3, outgoing: 1 },
};

/** A process that has run for some hours; the same at each run. */
export const storyOf = (options: StoryOptions = {}): Story => {
  const { role = 'node', hours = 60 } = options;
  const name = options.name ?? (role === 'node' ? 'grove' : undefined);
  const rng = seededRng(new Uint8Array(32).fill(5));
  let now = storyAt - hours * hourMs;
  let spent = 1000;
  const book = new Book({ now: () => now });
  const log = book.log(silent);
  let look: Partial<Look> = options.look ?? {};
  let record: Partial<HealthRecord> = options.record ?? {};
  const network = 'network' in options ? options.network : storyNetwork();
  book.begin({
    name,
    version: '0.1.0',
    floorBits: role === 'client' ? (options.floorBits ?? 4) : undefined,
    look: () => ({
      waiting: { ...waitingOf[role], pool: (waitingOf[role]['pool'] ?? 0) + between(rng, 0, 30) },
      account: { perDay: 1200, perHour: undefined, perMinute: undefined, isYoung: false, isWarned: false },
      spent,
      heartbeat: role === 'node' ? { isHolding: false, returned: 0.953, perInterval: 3 } : undefined,
      network,
      ...look,
    }),
  });
  const startedAt = now;
  const beat = (): void =>
    book.beat({
      role,
      startedAt,
      at: now,
      isStopping: false,
      isTurning: true,
      pollMs: 10 * minuteMs,
      readAt: now - 10 * minuteMs,
      sentAt: now - 10 * minuteMs,
      flushedAt: now - 10 * minuteMs,
      listUntil: network?.validUntil,
      ...record,
    });
  const pass = (ms: number): void => {
    for (const end = now + ms; now < end;) {
      now += minuteMs;
      beat();
    }
  };
  beat();
  for (let hour = 0; hour < hours; hour++) {
    anHour(log, role, rng, now);
    spent += between(rng, 18, 28);
    for (let loop = 0; role === 'node' && loop < 14; loop++) book.loopCameHome(between(rng, 25, 95) * minuteMs);
    pass(hourMs);
  }
  return {
    book,
    log,
    now: () => now,
    pass,
    status: () => {
      const status = book.status();
      if (status === undefined) throw new Error('it has told nothing');
      return status;
    },
    becomes: (next, then = {}) => {
      look = { ...look, ...next };
      record = { ...record, ...then };
    },
  };
};
