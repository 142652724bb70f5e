import { setTimeout as sleep } from 'node:timers/promises';
import type { JoinedNetwork, RunningClient } from './network.js';
import { mixmailerHere, type Running } from './processes.js';
import { dim, heading, say } from './screen.js';

/** What `mixmailer network --json` says, as far as it is shown. */
interface Shown {
  readonly problem: string | null;
  readonly number: number | null;
  readonly nodes: readonly { readonly name: string; readonly layer: number | null }[];
}

export const networkOf = async (configFile: string): Promise<Shown> =>
  JSON.parse(await mixmailerHere('network', '--config', configFile, '--json')) as Shown;

/** As long as authorities, nodes and client may take to find each other. */
const patienceMs = 90_000;

/** Where each node stands: in a layer, or anywhere. */
const placesText = ({ nodes }: Shown): string => {
  const layers = [...new Set(nodes.map(({ layer }) => layer))].sort();
  const namesOf = (layer: number | null): string =>
    nodes.flatMap((node) => (node.layer === layer ? [node.name] : [])).join(' ');
  return layers
    .map((layer) => `${layer === null ? 'free routes, any after any' : `layer ${layer}`}: ${namesOf(layer)}`)
    .join('   ');
};

const proven = (authority: Running): number =>
  [...authority.log.matchAll(/answer\/proven=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);

/** About what nodes take here to start and to be known to the authority. */
const startMs = 8000;

/**
 * How long to wait with the start of the nodes: an authority alone votes an eighth of a period before a list begins, and a
 * vote in its midst would make a first list without some of them, which would join one or two lists later.
 */
const untilNextRound = (periodMs: number): number => {
  const untilVoteMs = periodMs - ((Date.now() + periodMs / 8) % periodMs);
  return untilVoteMs < startMs ? untilVoteMs + periodMs / 8 : 0;
};

/** Everything that runs once a network has begun. */
export interface Begun {
  readonly authority: Running;
  readonly nodes: readonly Running[];
  readonly client: RunningClient;
}

/** Starts a network that knows nothing but an invitation, and waits until its client has a list with all nodes in it. */
export const beginNetwork = async (network: JoinedNetwork): Promise<Begun> => {
  const [member] = network.authorities;
  if (member === undefined) throw new Error('a network has an authority');
  heading('mixmailer network new makes the key of an authority, and prints the invitation');
  say(`  ${network.invitation}`);
  heading('Everybody else starts with that text and a mailbox: mixmailer node --join, mixmailer client --join');
  const authority = await network.startAuthority(member);
  await sleep(untilNextRound(network.periodSeconds * 1000));
  const startedAt = Date.now();
  const seconds = (): string => `${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s`;
  const [client, ...nodes] = await Promise.all([
    network.startClient(),
    ...network.nodes.map((node) => network.startNode(node)),
  ]);
  say(`  ${seconds()}  ${network.nodes.map(({ account }) => account.address).join('  ')}  run, and have no list`);
  let told = 0;
  for (;;) {
    const known = proven(authority);
    if (known > told)
      say(`  ${seconds()}  ${known} nodes have answered the authority's mail: the mailboxes are theirs`);
    told = known;
    const shown = await networkOf(network.client.configFile);
    if (shown.problem === null && shown.nodes.length === network.nodes.length) {
      say(
        `  ${seconds()}  the client has list ${shown.number ?? 0}, signed by the authority, of ${shown.nodes.length} nodes`,
      );
      say(`           ${placesText(shown)}`);
      return { authority, nodes, client };
    }
    if (Date.now() - startedAt > patienceMs) {
      for (const one of [authority, ...nodes, client.running]) say(dim(`${one.name}: ${one.log}`));
      throw new Error('the network did not begin');
    }
    await sleep(500);
  }
};
