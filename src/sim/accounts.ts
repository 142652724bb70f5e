import { available, type Account, openAccount, type Purpose, spend } from '../carrier/budget.js';
import type { BundleClass } from '../carrier/bundle.js';
import type { Limits } from '../provider/provider.js';
import type { Packet } from './scenario.js';

const perMail: BundleClass = 64;

/**
 * Of the packets chosen to leave a node, those for which its account has mails left, in the same order; the others stay in the
 * pool. As in a real node: a packet takes a place in a mail that goes its way, or begins one while there are any left, and
 * a delivery is a mail of its own.
 */
export type Affords = (node: number, at: number, chosen: readonly Packet[]) => readonly Packet[];

/** Accounts of the nodes, each in use for longer than a month. `undefined`: one without limits. */
export const accountsOf = (limitsByNode: readonly (Limits | undefined)[]): Affords => {
  const accounts = limitsByNode.map((limits) => limits && openAccount(limits, 0, -Infinity));
  return (node, at, chosen) => {
    const limits = limitsByNode[node];
    let account = accounts[node];
    if (limits === undefined || account === undefined) return chosen;
    const places = new Map<number, number>();
    const pays = (purpose: Purpose, from: Account): boolean => {
      if (available(from, limits, at, purpose) < 1) return false;
      account = spend(from, limits, at, purpose);
      return true;
    };
    const leaving = chosen.filter((packet) => {
      if (packet.isAtEnd) return packet.message === undefined || pays('people', account as Account);
      const to = packet.way[packet.hop + 1] as number;
      const open = places.get(to) ?? 0;
      if (open === 0 && !pays('packets', account as Account)) return false;
      places.set(to, (open === 0 ? perMail : open) - 1);
      return true;
    });
    accounts[node] = account;
    return leaving;
  };
};
