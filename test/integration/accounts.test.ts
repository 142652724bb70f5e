import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { handIn } from '../demo/hand-in.js';
import { readMailbox } from '../demo/mailbox.js';
import { layNetwork, type Member, passwordFileOf, type RunningClient, type TestNetwork } from '../demo/network.js';
import { mixmailer, mixmailerHere, type Running } from '../demo/processes.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { openMail, pepMail, type Person, person } from '../servers/pep-mail.js';

const patienceMs = 150_000;

const until = async (what: string, isSo: () => Promise<boolean> | boolean): Promise<void> => {
  for (const end = Date.now() + patienceMs; !(await isSo());) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(300);
  }
};

for (const kind of (await findServers()).filter(({ name }) => name !== 'in-process')) {
  if (kind.kind === 'unavailable') {
    describe(`a node with two accounts, on ${kind.name}`, () => it.skip(missingLine(kind)));
    continue;
  }
  describe(`a node with two accounts, on ${kind.name}`, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mm-'));
    /** How many mails each address has handed over. */
    const sent = new Map<string, number>();
    let world: MailWorld;
    let network: TestNetwork;
    let bobsMailbox: Account;
    let alice: Person;
    let bob: Person;
    let node: Member;
    let first: Running;
    let others: readonly Running[];
    let client: RunningClient;

    beforeAll(async () => {
      world = await kind.start();
      [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
      bobsMailbox = await world.addAccount('bob', 'friend.test');
      network = await layNetwork({
        folder,
        world,
        nodes: 4,
        furtherAccounts: 1,
        schedule: '*/2 * * * * *',
        loopsPerInterval: 1,
        paceSeconds: 1,
        onMail: ({ from }) => void sent.set(from, (sent.get(from) ?? 0) + 1),
      });
      const [one = expect.fail(), ...rest] = network.nodes;
      node = one;
      [first, others] = await Promise.all([
        network.startNode(node),
        Promise.all(rest.map((member) => network.startNode(member))),
      ]);
      client = await network.startClient();
    });
    afterAll(async () => {
      await Promise.all([client.running, first, ...others].map((one) => one.stop()));
      await network.close();
      await world.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const send = async (subject: string): Promise<void> => {
      const raw = await pepMail({ from: alice, to: [bob], subject, text: subject, date: new Date() });
      const door = { port: client.port, user: client.user, password: client.token };
      await handIn(door, { from: alice.address, to: bob.address, raw });
    };
    const received = async (): Promise<readonly string[]> =>
      Promise.all(
        (await readMailbox(bobsMailbox)).map(
          async (raw) => /^Subject: (.*?)\r?$/m.exec(await openMail(raw, bob, alice))?.[1] ?? '',
        ),
      );
    const isDelivered = async (): Promise<boolean> => {
      const queue = await mixmailerHere('queue', '--config', network.client.configFile, '--json');
      const states = (JSON.parse(queue) as readonly { readonly state: string }[]).map(({ state }) => state);
      return states.every((state) => state === 'delivered');
    };
    const sentBy = (address: string): number => sent.get(address) ?? 0;
    const tellLogs = (): void => {
      for (const { name, log } of [first, ...others, client.running])
        console.log(`${name}\n${log.split('\n').slice(-25).join('\n')}`);
    };

    it('sends from both, and its mails are taken from both', async () => {
      onTestFailed(tellLogs);
      const [second = expect.fail()] = node.further;
      await send('by two accounts');
      await until('the letter', async () => (await received()).length === 1);
      await until('a mail from each', () => sentBy(node.account.address) > 0 && sentBy(second.address) > 0);
      await until('the receipt', isDelivered);
      // Loops come home, whichever account they left from.
      await until('loops', () => /\bloop=\d/.test(first.log));
    });

    it('loses nothing while the one is locked that packets go to, and uses it again when it is not', async () => {
      onTestFailed(tellLogs);
      const [second = expect.fail()] = node.further;
      await first.stop();
      writeFileSync(passwordFileOf(node), 'wrong\n');
      const before = { locked: sentBy(node.account.address), other: sentBy(second.address) };
      first = await network.startNode(node);
      const letters = ['one', 'two', 'three', 'four'];
      for (const letter of letters) await send(letter);
      await until('mails from the other account', () => sentBy(second.address) >= before.other + 5);
      expect(sentBy(node.account.address)).toBe(before.locked);
      const health = await mixmailer('health', '--config', node.configFile).catch((error: unknown) => String(error));
      expect(health).toContain('the first mailbox was not read since the start');
      expect(health).toMatch(new RegExp(`the mailbox ${second.address} was last read`));

      writeFileSync(passwordFileOf(node), `${node.account.password}\n`);
      await until('the letters', async () => new Set(await received()).size === 1 + letters.length);
      await until('the receipts', isDelivered);
      expect((await received()).toSorted()).toEqual(['by two accounts', ...letters].toSorted());
      await until('mails from it again', () => sentBy(node.account.address) > before.locked);
      expect([first, ...others, client.running].filter(({ log }) => /\n\s+at |BUG/.test(log))).toEqual([]);
    });
  });
}
