import type { NodeId } from '../base/ids.js';

/** Placeholder of the contract; the whole packet is built on top of it. */
export type Unwrapped =
  | {
      readonly kind: 'forward';
      readonly replayTag: Uint8Array;
      readonly nextHop: NodeId;
      readonly delayMs: number;
      readonly packet: Uint8Array;
    }
  | { readonly kind: 'exit'; readonly replayTag: Uint8Array; readonly payload: Uint8Array }
  | {
      readonly kind: 'to-mailbox';
      readonly replayTag: Uint8Array;
      readonly surbId: Uint8Array;
      readonly address: string;
      readonly payload: Uint8Array;
    }
  | { readonly kind: 'loop'; readonly replayTag: Uint8Array; readonly loopId: Uint8Array }
  | { readonly kind: 'drop'; readonly replayTag: Uint8Array };
