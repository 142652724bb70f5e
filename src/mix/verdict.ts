import { mailboxIn } from '../base/address.js';
import type { DropReason } from '../base/errors.js';
import { unreachable } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { longestDelayMs } from '../route/strategy.js';
import { throughHoldMs } from '../sphinx/commands.js';
import type { Unwrapped } from '../sphinx/packet.js';

/** What a mix does with an unwrapped packet, once its replay tag has proved new. */
export type Verdict =
  /** Wait in the pool, then go to the next hop. */
  | {
      readonly kind: 'forward';
      readonly nextHop: NodeId;
      readonly delayMs: number;
      /** It leaves even while the pool is held. */
      readonly throughHold: boolean;
      readonly packet: Uint8Array;
    }
  /** Wait in the pool, then join the message it is a part of. */
  | { readonly kind: 'exit'; readonly payload: Uint8Array }
  /** The end of a reply: wait in the pool, then go to the mailbox of the reply block's maker. */
  | { readonly kind: 'mailbox'; readonly address: string; readonly surbId: Uint8Array; readonly payload: Uint8Array }
  /** A loop has come home, if it is one of those that this node has sent. */
  | { readonly kind: 'loop'; readonly loopId: Uint8Array }
  /** Cover traffic that ends here. */
  | { readonly kind: 'cover' }
  | { readonly kind: 'drop'; readonly reason: DropReason };

/** What the judging node is, and whom it knows. */
export interface Bench {
  readonly isExit: boolean;
  /** Whether a packet may wait here for that node. */
  readonly knows: (node: NodeId) => boolean;
}

/** The verdict over one packet. */
export const judge = (unwrapped: Unwrapped, bench: Bench): Verdict => {
  switch (unwrapped.kind) {
    case 'forward': {
      const { nextHop, packet } = unwrapped;
      const throughHold = unwrapped.delayMs === throughHoldMs;
      const delayMs = throughHold ? 0 : unwrapped.delayMs;
      if (delayMs > longestDelayMs) return { kind: 'drop', reason: 'packet/unexpected' };
      if (!bench.knows(nextHop)) return { kind: 'drop', reason: 'packet/unknown-next-hop' };
      return { kind: 'forward', nextHop, delayMs, throughHold, packet };
    }
    case 'exit':
      return bench.isExit
        ? { kind: 'exit', payload: unwrapped.payload }
        : { kind: 'drop', reason: 'packet/not-an-exit' };
    case 'to-mailbox': {
      const { surbId, payload } = unwrapped;
      const address = mailboxIn(unwrapped.address);
      if (address === undefined) return { kind: 'drop', reason: 'packet/unexpected' };
      return { kind: 'mailbox', address, surbId, payload };
    }
    case 'loop':
      return { kind: 'loop', loopId: unwrapped.loopId };
    case 'drop':
      return { kind: 'cover' };
    default:
      return unreachable(unwrapped);
  }
};
