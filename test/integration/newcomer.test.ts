import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foundNetwork, type JoinedNetwork } from '../demo/network.js';
import { initIn, newHome, questions, secondsSince, serversOf, waits } from '../demo/newcomer.js';
import { mixmailerHere, Running } from '../demo/processes.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { MailWorld } from '../servers/mail-world.js';
import { hasTerminal } from '../servers/terminal.js';

interface Shown {
  readonly problem: string | null;
  readonly nodes: readonly { readonly name: string }[];
}

/** Looks every half second, for so long at most. */
const until = async (patienceMs: number, isSo: () => Promise<boolean>, trouble: () => string): Promise<void> => {
  for (const end = Date.now() + patienceMs; !(await isSo());) {
    if (Date.now() > end) throw new Error(trouble());
    await sleep(500);
  }
};

for (const kind of (await findServers()).filter(({ name }) => name !== 'in-process')) {
  describe(`mixmailer init makes a node, on ${kind.name}`, () => {
    if (kind.kind === 'unavailable' || !hasTerminal) {
      it.skip(kind.kind === 'unavailable' ? missingLine(kind) : 'tmux is missing: apt-get install tmux');
      return;
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'mm-newcomer-'));
    const running: Running[] = [];
    let world: MailWorld;
    let network: JoinedNetwork;
    beforeAll(async () => {
      world = await kind.start();
      network = await foundNetwork({
        ...{ folder, world, authorities: 1, periodSeconds: 24, nodes: 4, exits: 4, schedule: '*/4 * * * * *' },
        ...{ loopsPerInterval: 2, probesPerPeriod: 1, paceSeconds: 2, topology: 'free' },
      });
      for (const one of network.authorities) running.push(await network.startAuthority(one));
      running.push(...(await Promise.all(network.nodes.map((one) => network.startNode(one)))));
    }, 400_000);
    afterAll(async () => {
      await Promise.all(running.map((one) => one.stop()));
      await network.close();
      await world.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('takes a newcomer to a node that the network uses, in less than two minutes of work', async () => {
      const account = await world.addAccount('newcomer', 'new.test');
      const home = newHome(folder);
      const began = performance.now();
      // A network whose intervals are seconds sends more than an unknown provider is trusted with.
      const terminal = await initIn(home, ['--per-day', '1000000']);
      await terminal.shows(waits('Mail address'));
      terminal.type(account.address);
      await terminal.shows(waits('Mail servers'));
      terminal.type('', 'C-u');
      terminal.type(serversOf(account));
      await terminal.shows(waits('Password'));
      terminal.type(account.password);
      await terminal.shows(waits('What is it to be'));
      terminal.type('', 'Down');
      terminal.type('');
      await terminal.shows(waits('Invitation'));
      terminal.type(network.invitation);
      const screen = await terminal.shows(/ended 0/);
      await terminal.close();
      const setUpMs = performance.now() - began;
      console.log(`${kind.name}, a newcomer: ${questions(screen)} questions, ${secondsSince(began)}`);
      expect(questions(screen)).toBeLessThanOrEqual(6);
      expect(setUpMs).toBeLessThan(120_000);

      const file = path.join(home, '.config', 'mixmailer', 'node.toml');
      expect(screen).toContain(`mixmailer node --config ${file}`);
      const modes = ['node.toml', 'node.password', 'node-data'].map(
        (name) => statSync(path.join(path.dirname(file), name)).mode & 0o777,
      );
      expect(modes).toEqual([0o600, 0o600, 0o700]);
      const node = new Running('newcomer', 'node', '--config', file);
      running.push(node);
      await node.says(/^running newcomer-new \(exit\) on newcomer@new\.test/m);
      const listed = async (): Promise<boolean> => {
        const { problem, nodes } = JSON.parse(await mixmailerHere('network', '--config', file, '--json')) as Shown;
        return problem === null && nodes.some(({ name }) => name === 'newcomer-new');
      };
      await until(240_000, listed, () => `never listed:\n${node.log.slice(-2000)}`);
      console.log(`${kind.name}, in the list after ${secondsSince(began)}`);
      // Its packets come from nodes that it has never written to: others' loops.
      const isUsed = (): Promise<boolean> => Promise.resolve(/^info mix .*\bin=[1-9]/m.test(node.log));
      await until(120_000, isUsed, () => `never used:\n${node.log.slice(-2000)}`);
      console.log(`${kind.name}, used after ${secondsSince(began)}`);
    }, 500_000);
  });
}
