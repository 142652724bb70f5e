import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { hourMs } from '../../src/base/units.js';
import { openedAt } from '../demo/mailbox.js';
import type { Actor } from './actor.js';
import { growthOf, type Sample } from './growth.js';
import { networkNow } from './times.js';

/** A mailbox connection, and as many for handing mails in as the program has lanes, with one that is about to close. */
const mostSessions = { imap: 2, smtp: 5 };
/** Mails in a node's mailbox when all is quiet: what is just under way. */
const mostMails = 25;

const sampleOf = (pid: number, atMs: number): Sample | undefined => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const memoryMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    return { pid, atMs, memoryMb, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    // It ended in this moment.
    return undefined;
  }
};

/** Packets in a client when all is quiet. */
export const mostWaiting = 60;

/** What must be empty, by role, once every message has come to its end. */
const remains: Readonly<Record<Actor['role'], readonly (readonly [what: string, sql: string, most: number])[]>> = {
  node: [
    ['fragments of messages that are done', 'fragment JOIN message ON id = message_id WHERE closed_at IS NOT NULL', 0],
    // What comes in two or three intervals: 67 to 151 at the end of an hour of one kind, of which each might leave for 50 minutes at most.
    ['packets in the pool', 'pool', 300],
    ['mails to hand over', 'outgoing', 60],
    // One leaves at each flush, 50 in the shortest run and 106 in an hour of one kind. Those of some hours are under way, and a
    // lost one stays for days: six at most were there after such an hour.
    ['loops under way', 'loop', 40],
    // What a sender has given up, as another exit had it: one at most. It stays for two days.
    ['messages begun and not complete', 'message WHERE closed_at IS NULL', 10],
    // Blocks for a bounce stay for five days, one a message; that for the receipt goes with it.
    [
      'blocks for receipts that were sent',
      `answer_block JOIN message ON id = message_id WHERE answer IS NOT NULL AND purpose = 'receipt'`,
      0,
    ],
    // Nobody writes to whom an answer could come.
    ['return addresses', 'return_address', 0],
    ['blocks of return addresses', 'reply_block', 0],
  ],
  client: [
    [
      'sendings of messages that are done',
      // But for whom to ask once more whether a mail came back.
      `sending JOIN message ON id = message_id WHERE state NOT IN ('waiting', 'in-network')
       AND (state <> 'delivered' OR length(sending.bytes) > 0)`,
      0,
    ],
    ['mails for the user', 'inbound', 0],
    ['packets to send', 'pool', mostWaiting],
    ['mails to hand over', 'outgoing', 60],
  ],
  authority: [
    ['mails to hand over', 'outgoing', 100],
    // One a node and period: of five nodes 101 to 113 in the 21 hours of an hour of one kind; in 60 hours, the longest run, 300.
    ['probes', 'probe', 450],
  ],
};

/** By then a packet has left, whatever a flush draws. */
const overdueMs = 3 * hourMs;

const databaseOf = ({ role, data }: Pick<Actor, 'role' | 'data'>): string =>
  path.join(data, role === 'authority' ? 'authority.db' : 'mixmailer.db');
const keyFile = /^mix-([0-9a-f]+)\.key$/;

/** Looks for what grows without end: memory, descriptors, sessions, rows, files. */
export class Census {
  readonly #samples = new Map<string, Sample[]>();
  peakMb = 0;

  take(actors: readonly Actor[]): void {
    for (const { name, pid } of actors) {
      const sample = pid === undefined ? undefined : sampleOf(pid, Date.now());
      if (sample === undefined) continue;
      this.peakMb = Math.max(this.peakMb, sample.memoryMb);
      this.#samples.set(name, [...(this.#samples.get(name) ?? []), sample]);
    }
  }

  /** Findings about processes that run. */
  inProcesses(actors: readonly Actor[]): readonly string[] {
    return actors.flatMap((actor) => {
      const findings = growthOf(this.#samples.get(actor.name) ?? []).map((what) => `${actor.name}: ${what}`);
      for (const protocol of ['imap', 'smtp'] as const)
        if (actor.place[protocol].open() > mostSessions[protocol])
          findings.push(`${actor.name}: ${actor.place[protocol].open()} ${protocol} sessions`);
      return findings;
    });
  }

  /** Findings about mailboxes that processes clear. */
  async inMailboxes(actors: readonly Actor[]): Promise<readonly string[]> {
    const findings: string[] = [];
    for (const { name, role, place } of actors) {
      if (role === 'client') continue;
      const counts = await openedAt(place.account, async (client) => {
        let sum = 0;
        for (const { path: folder } of await client.list()) {
          const status = await client.status(folder, { messages: true });
          sum += status === false ? 0 : (status.messages ?? 0);
        }
        return sum;
      });
      if (counts > mostMails) findings.push(`${name}: ${counts} mails are left in its mailbox`);
    }
    return findings;
  }
}

const rowsOf = (database: DatabaseSyncInstance, from: string): number =>
  (database.prepare(`SELECT count(*) AS count FROM ${from}`).get() as { readonly count: number }).count;

const countIn = (actor: Actor, from: string): number => {
  const database = new DatabaseSync(databaseOf(actor), { readOnly: true });
  try {
    return rowsOf(database, from);
  } finally {
    database.close();
  }
};

/** Messages of a client that have not come to their end. */
export const unsettled = (client: Actor): number => countIn(client, "message WHERE state IN ('waiting', 'in-network')");

/** Packets of a client that wait for their slots. */
export const waitingPackets = (client: Actor): number => countIn(client, 'pool');

const column = (actor: Actor, sql: string): readonly Record<string, unknown>[] => {
  const database = new DatabaseSync(databaseOf(actor), { readOnly: true });
  try {
    return database.prepare(sql).all() as readonly Record<string, unknown>[];
  } finally {
    database.close();
  }
};

/** Nodes that took messages upon them. */
export const exitsAmong = (actors: readonly Actor[]): readonly Actor[] =>
  actors.filter((actor) => actor.role === 'node' && countIn(actor, 'message WHERE closed_at IS NOT NULL') > 0);

/** By the Message-ID of a letter: how many exits had all of it. They remember for days what clients remember for longer. */
export const exitsByLetter = (actors: readonly Actor[]): ReadonlyMap<string, number> => {
  const closed = exitsAmong(actors).flatMap((exit) =>
    column(exit, 'SELECT hex(id) AS id FROM message WHERE closed_at IS NOT NULL').map(({ id }) => String(id)),
  );
  const exits = new Map<string, number>();
  for (const id of closed) exits.set(id, (exits.get(id) ?? 0) + 1);
  const clients = actors.filter(({ role }) => role === 'client');
  return new Map(
    clients
      .flatMap((client) => column(client, 'SELECT hex(id) AS id, original_id AS letter FROM message'))
      .map(({ id, letter }) => [String(letter), exits.get(String(id)) ?? 0]),
  );
};

/** Copies of the databases of processes that have ended, for who wants to look into them. */
export const keepDatabases = (actors: readonly Actor[], folder: string): void => {
  for (const actor of actors)
    if (existsSync(databaseOf(actor))) copyFileSync(databaseOf(actor), path.join(folder, `${actor.name}.db`));
};

/** Findings about what processes have on their disks; what is only passing, too, while they run. */
export const onDisks = (actors: readonly Actor[]): readonly string[] =>
  actors.flatMap(({ name, role, data }) => {
    const file = databaseOf({ role, data });
    if (!existsSync(file)) return [`${name}: no database`];
    const database = new DatabaseSync(file);
    const count = (from: string): number => rowsOf(database, from);
    try {
      const rows = remains[role].flatMap(([what, from, most]) => {
        const left = count(from);
        return left > most ? [`${name}: ${left} ${what}`] : [];
      });
      // Of those that a flush has passed over nine in ten leave at the next.
      const overdue = role === 'node' ? count(`pool WHERE ready_at < ${Math.floor(networkNow() - overdueMs)}`) : 0;
      if (overdue > 0) rows.push(`${name}: ${overdue} packets in the pool that should have left hours ago`);
      const files = readdirSync(data);
      const stray = files.filter((one) => one.endsWith('.tmp')).map((one) => `${name}: ${one} is left`);
      const keys = files.flatMap((one) => keyFile.exec(one)?.[1] ?? []);
      const dead =
        role === 'node' && keys.length > 0
          ? count(`replay WHERE key_id NOT IN (${keys.map((key) => `'${key}'`).join(', ')})`)
          : 0;
      return [...rows, ...stray, ...(dead > 0 ? [`${name}: ${dead} tags of keys that are gone`] : [])];
    } finally {
      database.close();
    }
  });
