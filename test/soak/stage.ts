import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { foundNetwork, type JoinedNetwork, type Member } from '../demo/network.js';
import { mixmailer } from '../demo/processes.js';
import type { Account } from '../servers/mail-world.js';
import { Actor, type Role } from './actor.js';
import { mixIntervalMinutes } from './times.js';
import type { SoakWorld } from './world.js';

/** A network of real processes, with all who write and read. */
export interface Stage {
  readonly size: Size;
  readonly network: JoinedNetwork;
  readonly actors: readonly Actor[];
  readonly clients: readonly Actor[];
  /** Mailboxes of those to whom letters are written, and addresses that don't exist. */
  readonly readers: readonly Account[];
  readonly nobody: readonly string[];
}

const lookMs = 5000;

/** How large a network is. */
export interface Size {
  readonly authorities: number;
  readonly nodes: number;
  readonly exits: number;
  readonly topology: 'layers' | 'free';
  /** Between two lists, on the processes' clocks. */
  readonly periodSeconds: number;
  /** Of clients: hours between the first two sendings, and until they give up. */
  readonly retry: { readonly hours: number; readonly giveUpHours: number };
  /** For each client: its share of the letters, and of its slots those in which it asks exits what became of a message. */
  readonly clients: readonly { readonly user: string; readonly letters: number; readonly questions: number }[];
}

/** Who asks can ask about few letters; where nobody does, exits answer unasked. */
const sixClients = [
  { user: 'alice', letters: 0.08, questions: 0.5 },
  { user: 'anna', letters: 0.08, questions: 0.5 },
  { user: 'albert', letters: 0.21, questions: 0 },
  { user: 'agnes', letters: 0.21, questions: 0 },
  { user: 'arthur', letters: 0.21, questions: 0 },
  { user: 'astrid', letters: 0.21, questions: 0 },
] as const;

export const sizes = {
  /**
   * Four hours between sendings, where six are usual, and no five days until it is given up: a run is some days long. In
   * two hours few answers are back, and most letters would be sent twice. Authorities agree by mails that may be under way
   * for twenty minutes of their clocks, and a step of their round takes an eighth of the period.
   */
  usual: {
    ...{ authorities: 3, nodes: 9, exits: 4, topology: 'layers', periodSeconds: 4 * 3600 },
    retry: { hours: 4, giveUpHours: 12 },
    clients: sixClients,
  },
  /** As many letters as in the usual one with half of the work, so that some can run beside each other. */
  middle: {
    ...{ authorities: 1, nodes: 5, exits: 2, topology: 'free', periodSeconds: 3600 },
    retry: { hours: 2, giveUpHours: 8 },
    clients: sixClients,
  },
  /** An authority alone needs no time to agree, and five nodes half of a core; what is under way ends sooner. */
  small: {
    ...{ authorities: 1, nodes: 5, exits: 2, topology: 'free', periodSeconds: 3600 },
    retry: { hours: 1, giveUpHours: 4 },
    clients: [
      { user: 'alice', letters: 0.1, questions: 0.5 },
      { user: 'albert', letters: 0.9, questions: 0 },
    ],
  },
} as const satisfies Readonly<Record<string, Size>>;

/** Whether the mailbox of that address is at GreenMail: every third node's, and one reader's. */
export const atGreenmail = (address: string): boolean => /^(mix[369]|dave)@/.test(address);

const tuned = (member: Member, questions: number, { hours, giveUpHours }: Size['retry']): Member => {
  const text = readFileSync(member.configFile, 'utf8')
    .replace(/^poll = 1$/m, 'poll = 600')
    .replace(/^questions = .*$/m, `questions = ${questions}`);
  writeFileSync(member.configFile, `${text}\n[client.retry]\nhours = ${hours}\ngiveUpHours = ${giveUpHours}\n`);
  return member;
};

export const setStage = async (folder: string, soak: SoakWorld, size: Size): Promise<Stage> => {
  const day = 86_400;
  const [first, ...others] = size.clients;
  if (first === undefined) throw new Error('somebody writes');
  const network = await foundNetwork({
    folder,
    world: soak.world,
    authorities: size.authorities,
    periodSeconds: size.periodSeconds,
    keys: { epochSeconds: day, graceSeconds: day },
    nodes: size.nodes,
    exits: size.exits,
    topology: size.topology,
    probesPerPeriod: 1,
    alias: 'message-id',
    schedule: `*/${mixIntervalMinutes} * * * *`,
    loopsPerInterval: 1,
    paceSeconds: 120,
    sender: { user: first.user, domain: 'home.test' },
  });
  const members = [network.client];
  for (const { user } of others) members.push(await network.addClient(await soak.world.addAccount(user, 'home.test')));
  const clients = members.map((member, i) => tuned(member, size.clients[i]?.questions ?? 0, size.retry));
  const actor = (
    role: Role,
    member: Member,
    start: () => ReturnType<JoinedNetwork['startNode' | 'startClient']>,
  ): Actor => {
    const place = soak.places.get(member.account.address);
    if (place === undefined) throw new Error('every process has a place');
    return new Actor(role, member, { place, start });
  };
  const clientActors = clients.map((member) => actor('client', member, () => network.startClient(member)));
  return {
    size,
    network,
    actors: [
      ...network.authorities.map((member) => actor('authority', member, () => network.startAuthority(member))),
      ...network.nodes.map((member) => actor('node', member, () => network.startNode(member))),
      ...clientActors,
    ],
    clients: clientActors,
    readers: [
      await soak.addReader('bob', 'friend.test'),
      await soak.addReader('carol', 'pal.test'),
      await soak.addReader('dave', 'green.test'),
    ],
    // The first is refused when it is handed in, the second comes back later.
    nobody: ['nobody@friend.test', ...(soak.servers.bouncing === undefined ? [] : [soak.servers.bouncing])],
  };
};

/** What `mixmailer network --json` says, as far as it is looked at. */
interface Shown {
  readonly problem: string | null;
  readonly nodeCount: number;
}

/** As a process of its own, which has the clock of the others. */
const networkOf = async (configFile: string): Promise<Shown> =>
  JSON.parse(await mixmailer('network', '--config', configFile, '--json')) as Shown;

/** Starts every process, and waits until all clients have a list of all nodes. The second list has layers, if there are any. */
export const raiseCurtain = async ({ size, actors, clients }: Stage, patienceMs: number): Promise<void> => {
  await Promise.all(actors.map((actor) => actor.start()));
  const end = Date.now() + patienceMs;
  // One look after the other: each is a process of its own.
  for (const { member } of clients) {
    for (;;) {
      const { problem, nodeCount } = await networkOf(member.configFile);
      if (problem === null && nodeCount === size.nodes) break;
      if (Date.now() > end) throw new Error(`the network did not begin: ${nodeCount} nodes, ${problem ?? ''}`);
      await sleep(lookMs);
    }
  }
};
