import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { handIn } from '../demo/hand-in.js';
import { readMailbox } from '../demo/mailbox.js';
import { foundNetwork } from '../demo/network.js';
import type { JoinedNetwork, Member, RunningClient } from '../demo/network.js';
import { mixmailer, mixmailerHere, type Running } from '../demo/processes.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { openMail, pepMail, person } from '../servers/pep-mail.js';
import type { Person } from '../servers/pep-mail.js';

/** Four phases of an eighth each must do for a mail to all authorities and back into their stores. */
const periodSeconds = 32;
const epochSeconds = 56;
/** What takes a minute or two where the machine is idle. */
const patienceMs = 240_000;

interface Shown {
  readonly problem: string | null;
  readonly number: number | null;
  readonly nodes: readonly { readonly name: string; readonly layer: number | null; readonly leaving: boolean }[];
  readonly authorities: readonly { readonly signature: string }[];
  readonly forks: readonly unknown[];
  readonly evidence: readonly unknown[];
}

/** The network as the process of that configuration sees it. */
const networkOf = async ({ configFile }: Member): Promise<Shown> =>
  JSON.parse(await mixmailerHere('network', '--config', configFile, '--json')) as Shown;

const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
  for (const end = Date.now() + patienceMs; ;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(1000);
  }
};

/** Waits for a list that is in force, in which it is so. */
const listed = (member: Member, what: string, isSo: (shown: Shown) => boolean): Promise<Shown> =>
  until(what, async () => {
    const shown = await networkOf(member);
    return shown.problem === null && isSo(shown) ? shown : undefined;
  });

const named = ({ nodes }: Shown, name: string): Shown['nodes'][number] | undefined =>
  nodes.find((node) => node.name === name);

/** Sends a letter every few seconds until it is stopped; one that is refused for now is handed in again, as mail programs do. */
class Correspondence {
  readonly subjects: string[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(send: (subject: string) => Promise<boolean>) {
    this.#ended = this.#run(send);
    this.#ended.catch(() => undefined);
  }

  async #run(send: (subject: string) => Promise<boolean>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const subject = `letter ${this.subjects.length + 1}`;
      if (await send(subject)) this.subjects.push(subject);
      await sleep(5000);
    }
  }

  /** Rejects if a letter was refused. */
  stop(): Promise<void> {
    this.#stop.abort();
    return this.#ended;
  }
}

// On one server only: what a mail of the directory asks of a server, the contract suites ask of each of them; and that packets
// arrive over each, also while processes are killed, end-to-end and replies.
for (const kind of (await findServers()).filter(({ name }) => name === 'dovecot-postfix')) {
  if (kind.kind === 'unavailable') {
    describe(`a network that nobody prepared, on ${kind.name}`, () => it.skip(missingLine(kind)));
    continue;
  }
  describe(`a network that nobody prepared, on ${kind.name}`, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mm-'));
    let world: MailWorld;
    let network: JoinedNetwork;
    let client: RunningClient;
    let bobsMailbox: Account;
    let alice: Person;
    let bob: Person;
    const running: Running[] = [];

    beforeAll(async () => {
      world = await kind.start();
      [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
      bobsMailbox = await world.addAccount('bob', 'friend.test');
      network = await foundNetwork({
        folder,
        world,
        authorities: 4,
        periodSeconds,
        keys: { epochSeconds, graceSeconds: 600 },
        nodes: 9,
        exits: 4,
        schedule: '*/4 * * * * *',
        loopsPerInterval: 1,
        probesPerPeriod: 1,
        paceSeconds: 1,
      });
      running.push(...(await Promise.all(network.authorities.map((one) => network.startAuthority(one)))));
      running.push(...(await Promise.all(network.nodes.map((one) => network.startNode(one)))));
      client = await network.startClient();
      running.push(client.running);
    });
    afterAll(async () => {
      await Promise.all(running.map((one) => one.stop()));
      await network.close();
      await world.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    const tellLogs = (): void => {
      for (const { name, log } of running) console.log(`${name}\n${log.split('\n').slice(-25).join('\n')}`);
    };

    /** @returns whether it was taken */
    const send = async (subject: string): Promise<boolean> => {
      const raw = await pepMail({ from: alice, to: [bob], subject, text: subject, date: new Date() });
      const door = { port: client.port, user: client.user, password: client.token };
      try {
        await handIn(door, { from: alice.address, to: bob.address, raw });
        return true;
      } catch (error) {
        if (/\b451\b/.test((error as Error).message)) return false;
        throw error;
      }
    };

    /** Subjects of the letters that have come, with copies. */
    const received = async (): Promise<readonly string[]> =>
      Promise.all(
        (await readMailbox(bobsMailbox)).map(
          async (raw) => /^Subject: (.*?)\r?$/m.exec(await openMail(raw, bob, alice))?.[1] ?? '',
        ),
      );

    it(
      'begins with four authorities and nine nodes that know an invitation',
      async () => {
        onTestFailed(tellLogs);
        await listed(network.client, 'a first list', ({ nodes }) => nodes.length > 0);
        // Layers are voted for once a list has enough nodes for them.
        const shown = await listed(
          network.client,
          'a list of all, in layers',
          ({ nodes }) => nodes.length === 9 && nodes.every(({ layer }) => layer !== null),
        );
        expect(new Set(shown.nodes.map(({ layer }) => layer))).toEqual(new Set([1, 2, 3]));
        expect(shown.authorities).toHaveLength(4);
        expect(shown.authorities.filter(({ signature }) => signature === 'signed').length).toBeGreaterThanOrEqual(3);
      },
      patienceMs + 10_000,
    );

    it(
      'lets a tenth node in and one go, and changes keys three times, and every mail arrives once',
      async () => {
        onTestFailed(tellLogs);
        const startedAt = Date.now();
        const letters = new Correspondence(send);
        const [leaver] = network.nodes;
        if (leaver === undefined) throw new Error('there are nodes');
        const tenth = await network.addNode('mix10');
        const joins = async (): Promise<void> => {
          running.push(await network.startNode(tenth));
          await listed(network.client, 'the tenth node', (shown) => named(shown, 'mix10') !== undefined);
          await listed(tenth, 'the tenth node, as it sees itself', (shown) => named(shown, 'mix10') !== undefined);
        };
        const leaves = async (): Promise<void> => {
          expect(await mixmailer('leave', '--config', leaver.configFile)).toContain('mix1 leaves');
          await listed(network.client, 'the leaving node', (shown) => named(shown, 'mix1')?.leaving === true);
          await listed(network.client, 'a list without it', (shown) => named(shown, 'mix1') === undefined);
        };
        await Promise.all([joins(), leaves()]);
        // Keys begin and end with epochs counted from 1970: that many later, three have begun since.
        await sleep(Math.max(0, startedAt + 3 * epochSeconds * 1000 - Date.now()));
        await letters.stop();

        await until('the letters', async () => {
          const subjects = new Set(await received());
          return letters.subjects.every((subject) => subjects.has(subject)) ? true : undefined;
        });
        await until('the receipts', async () => {
          const queue = await mixmailerHere('queue', '--config', network.client.configFile, '--json');
          const states = (JSON.parse(queue) as readonly { readonly state: string }[]).map(({ state }) => state);
          return states.every((state) => state === 'delivered') ? true : undefined;
        });
        // Some flushes more, in which a second copy would come.
        await sleep(6000);
        expect((await received()).toSorted()).toEqual(letters.subjects.toSorted());
        const shown = await networkOf(network.client);
        expect([shown.forks, shown.evidence]).toEqual([[], []]);
        expect(running.filter(({ log }) => /\n\s+at |BUG/.test(log)).map(({ name }) => name)).toEqual([]);
      },
      3 * patienceMs,
    );
  });
}
