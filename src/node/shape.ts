import { deliveryBacklogDays, leastDeliveryBacklog, ownMailShare } from '../base/bounds.js';
import type { NodeId } from '../base/ids.js';
import { type Rng, unitInterval } from '../base/random.js';
import { shares } from '../carrier/budget.js';
import { bundleClasses } from '../carrier/bundle.js';
import { placesOf } from '../path/topology.js';
import type { OutgoingStore, Waiting } from '../ports/stores.js';
import type { Allowance } from '../post/account.js';
import type { Network } from '../route/network.js';
import type { Tally } from './tally.js';

export interface ShapeDeps {
  readonly store: Pick<OutgoingStore, 'untriedOutgoing'>;
  readonly tally: Tally;
  readonly rng: Rng;
  /** Of the account that the mails leave from; undefined: it may send whatever it wants to. */
  readonly budget?: Allowance | undefined;
}

/** The mails with packets for which the account has budget now, those that wait already taken off. */
export const mailsLeft = ({ store, budget }: ShapeDeps, now: number): number =>
  budget === undefined ? Infinity : Math.max(0, budget.available(now, 'packets') - store.untriedOutgoing('packets'));

/** Whether one delivery more may wait for its first attempt: fewer do than the account sends to people in half a day. */
export const hasRoomForDelivery = ({ store, budget }: Pick<ShapeDeps, 'store' | 'budget'>, now: number): boolean => {
  if (budget === undefined) return true;
  const most = Math.floor(budget.perDay(now) * shares.people * deliveryBacklogDays);
  return store.untriedOutgoing('delivery') < Math.max(leastDeliveryBacklog, most);
};

/** The next node or the mailbox, where a mail is what takes the packet there. */
const wayOf = ({ to }: Waiting): string | undefined => {
  if (to.kind === 'here') return undefined;
  return to.kind === 'node' ? to.nextHop : to.address;
};

/**
 * Whether the account can't afford cover at this flush: it has no more mails left than there are ways that packets wait
 * for. Payload goes first, and a loop that goes another way would cost it a mail.
 */
export const mustShedCover = (mails: number, waiting: () => readonly Waiting[]): boolean =>
  mails !== Infinity &&
  mails <=
    new Set(
      waiting()
        .map(wayOf)
        .filter((way) => way !== undefined),
    ).size;

/** The nodes to which paths lead from here; undefined where they may lead to any. */
export const successorsIn = (network: Network, self: NodeId): ReadonlySet<NodeId> | undefined => {
  const places = placesOf(network);
  return places && new Set(places.successors(self).map(({ nodeId }) => nodeId));
};

const perMail = Math.max(...bundleClasses);

/** Whether few others go that way: to a mailbox, or a node to which no path leads from here. */
const isAstray = ({ to }: Waiting, successors: ReadonlySet<NodeId> | undefined): boolean =>
  to.kind === 'mailbox' || (to.kind === 'node' && successors !== undefined && !successors.has(to.nextHop));

/**
 * Those of the packets chosen to leave for which there are mails, in the same order. One after the other, in the random
 * order they come in, takes a place in a mail that goes its way, or begins one while there are any left: so ways with
 * many packets get their mails more often, and each packet of a pool has the same chance. The others stay in the pool.
 * Mails to mailboxes and to nodes that are no successors are at most a share of all (`ownMailShare`), for anybody can have
 * as many of them as he likes; the rest is there at the next flush.
 *
 * What ends here needs no mail with packets.
 *
 * @param mails.successors undefined: any node is one
 */
export const withinBudget = (
  { tally, rng }: Pick<ShapeDeps, 'tally' | 'rng'>,
  mails: { readonly left: number; readonly successors: ReadonlySet<NodeId> | undefined },
  chosen: readonly Waiting[],
): readonly Waiting[] => {
  const { successors } = mails;
  let { left } = mails;
  // Where that is no whole mail chance gives one: few mails left at each flush must not mean none for mailboxes for ever.
  let leftAstray = left === Infinity ? left : Math.floor(left * ownMailShare + unitInterval(rng));
  const places = new Map<string, number>();
  const held = new Set<string>();
  const leaving = chosen.filter((entry) => {
    const way = wayOf(entry);
    if (way === undefined) return true;
    const open = places.get(way) ?? 0;
    const astray = isAstray(entry, successors) ? 1 : 0;
    if (open === 0 && (left < 1 || leftAstray < astray)) {
      held.add(way);
      return false;
    }
    if (open === 0) {
      left--;
      leftAstray -= astray;
    }
    places.set(way, (open === 0 ? perMail : open) - 1);
    return true;
  });
  tally.add('budget/ways-held', held.size);
  return leaving;
};
