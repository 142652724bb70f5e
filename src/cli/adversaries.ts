import type { Rng } from '../base/random.js';
import type { Network } from '../route/network.js';
import {
  atProviders,
  type Compromised,
  compromisedPaths,
  nodesOfLargest,
  type Question,
  someNodes,
} from '../sim/adversary-compromise.js';
import { daysToDisclosure } from '../sim/adversary-disclosure.js';
import { messagesToSender } from '../sim/adversary-intersection.js';
import { blockade, type Blockade } from '../sim/adversary-n1.js';
import { type Delay, median } from '../sim/delay.js';
import type { Sending } from '../sim/sending.js';

/** What came out: rows of one form, and what they mean. */
export interface Findings {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly meaning: string;
}

/** A network to an observer of times: how long its messages are under way. */
export interface Delayed {
  readonly name: string;
  readonly delay: Delay;
  /** How its clients send. */
  readonly sending: Sending;
}

// One who is watched, and everybody else: as many people as write ten messages a day where a network of 30 nodes handles
// one real packet a node and minute.
const contacts = 10;
const messagesPerDay = 10;
const people = 1440;
const trials = 11;
const fiveYears = 1825;
const mostMessages = 400;
const pathsDrawn = 20_000;

/** Three digits are more than trials tell. */
const rounded = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(3)));
const orMore = (value: number, most: number): string | number => (value === Infinity ? `> ${most}` : rounded(value));

/**
 * How often paths run over nodes of an adversary.
 *
 * @param networks of the same nodes, each with other layers: who is where is drawn anew for each list
 */
export const findCompromised = (networks: readonly Network[], rng: Rng): Findings => {
  const nodes = networks[0]?.nodes.length ?? 0;
  // Two in five nodes at one provider, as mailboxes of people are.
  const counts = [0.4, 0.2, 0.1].map((share) => Math.round(share * nodes));
  const crowded = networks.map((network) => atProviders(network, counts));
  const rowOf = (
    who: string,
    lists: readonly Network[],
    more: Pick<Question, 'allow'> & { readonly of: (network: Network) => Question['compromised'] },
  ): Findings['rows'][number] => {
    const found = lists.map((network) => {
      const question = { network, now: 0, compromised: more.of(network), paths: pathsDrawn / lists.length };
      return compromisedPaths(more.allow === undefined ? question : { ...question, allow: more.allow }, rng);
    });
    const percent = (what: (one: Compromised) => number): number =>
      rounded((100 * found.reduce((sum, one) => sum + what(one), 0)) / found.length);
    return {
      who,
      entryPercent: percent(({ entry }) => entry),
      exitPercent: percent(({ exit }) => exit),
      bothEndsPercent: percent(({ entryAndExit }) => entryAndExit),
      allHopsPercent: percent(({ all }) => all),
    };
  };
  return {
    name: 'compromise',
    title: `Paths over compromised nodes, of ${nodes} nodes, in ${networks.length} lists`,
    rows: [
      ...[0.1, 0.2, 0.3, 0.5].map((share) =>
        rowOf(`${100 * share} % of the nodes, all at different providers`, networks, {
          of: (network) => someNodes(network, share, rng),
        }),
      ),
      rowOf('the provider of 40 % of the nodes', crowded, { of: (network) => nodesOfLargest(network, 1) }),
      rowOf('the providers of 40 % and 20 %', crowded, { of: (network) => nodesOfLargest(network, 2) }),
      rowOf('the providers of 40 %, 20 % and 10 %', crowded, { of: (network) => nodesOfLargest(network, 3) }),
      rowOf('the provider of 40 %, rule same-provider given up', crowded, {
        of: (network) => nodesOfLargest(network, 1),
        allow: new Set(['same-provider'] as const),
      }),
    ],
    meaning:
      'Who has both ends of a path links sender and recipient by times; who has all hops needs no times. One provider never has two hops.',
  };
};

const sendingText = (sending: Sending): string =>
  sending.kind === 'paced' ? `every ${rounded(sending.meanMin)} min by chance` : 'as written';

const mailsPerDay = (sending: Sending): number =>
  sending.kind === 'paced' ? rounded(1440 / sending.meanMin) : messagesPerDay;

/** Days until a person's contacts are known, for each network; `Infinity`: longer than five years. */
export const daysToContacts = (delayed: readonly Delayed[], rng: Rng): readonly number[] =>
  delayed.map(({ delay, sending }) => {
    const watched = { sending, delay, contacts, messagesPerDay, people, othersPerDay: messagesPerDay };
    return median(Array.from({ length: trials }, () => daysToDisclosure(watched, fiveYears, rng)));
  });

/** The same as a table. */
export const findDisclosure = (delayed: readonly Delayed[], rng: Rng): Findings => {
  const days = daysToContacts(delayed, rng);
  return {
    name: 'disclosure',
    title: `Days until ${contacts} contacts are known, of one who writes ${messagesPerDay} messages a day among ${people} people`,
    rows: delayed.map(({ name, sending }, place) => ({
      name,
      mailsLeave: sendingText(sending),
      mailsPerDay: mailsPerDay(sending),
      days: orMore(days[place] ?? Infinity, fiveYears),
    })),
    meaning: `Median of ${trials} people; the observer sees all mails and deliveries, knows how long messages take, and weighs each by its likelihood.`,
  };
};

/** Messages until a sender is known. */
export const findIntersection = (delayed: readonly Delayed[], rng: Rng): Findings => ({
  name: 'intersection',
  title: `Messages that are known to be of one sender, until it is known which of ${people}`,
  rows: delayed.flatMap(({ name, delay, sending }) =>
    [24, 8].map((onlineHours) => {
      const crowd = { senders: people, sending, messagesPerDay, delay, onlineHours };
      const found = Array.from({ length: trials }, () => messagesToSender(crowd, mostMessages, rng));
      return {
        name,
        mailsLeave: sendingText(sending),
        hoursADay: onlineHours,
        messagesToOneLeft: orMore(median(found.map((one) => one.messagesToOneLeft)), mostMessages),
        messagesToSure: orMore(median(found.map((one) => one.messagesToSure)), mostMessages),
      };
    }),
  ),
  meaning:
    'One left: nobody else had sent a mail in time for each message. Sure: the observer who weighs times is right, and sure of it by 99 in 100.',
});

/** When a node that is cut off keeps its pool to itself. */
export const findBlockade = (
  groups: readonly { readonly who: string; readonly attacks: readonly Blockade[] }[],
): Findings => ({
  name: 'n-1',
  title: 'All mail kept from one node, for ten mix intervals: when it holds its pool, and when it lets go',
  rows: groups.map(({ who, attacks }) => {
    const found = attacks.map(blockade);
    const intervals = (attack: Blockade | undefined, ms: number): number =>
      ms / (attack?.scenario.protocol.mixing.intervalMs ?? 1);
    const held = found.map(({ heldAfterMs }, place) => intervals(attacks[place], heldAfterMs));
    const released = found.map(({ releasedAfterMs }, place) => intervals(attacks[place], releasedAfterMs));
    return {
      node: who,
      attacks: attacks.length,
      loopsPerInterval: attacks[0]?.loopsPerInterval ?? 0,
      heldAfterIntervals: orMore(median(held), 10),
      atMost: orMore(Math.max(...held), 10),
      releasedAfterIntervals: orMore(median(released), 10),
      othersHeldToo: rounded(found.reduce((sum, one) => sum + one.othersHeld, 0) / found.length),
      falseAlarms: found.reduce((sum, one) => sum + one.falseAlarms, 0),
      inNodeDays: rounded(found.reduce((sum, one) => sum + one.nodeDays, 0)),
    };
  }),
  meaning:
    'Intervals from the beginning of the blockade, and from its end. Others are nodes whose loops lead over the blockaded one.',
});
