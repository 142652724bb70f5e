import type { Look } from '../ports/status.js';
import type { MixStore } from '../ports/mix-store.js';
import { type LookDeps, lookAtPost } from '../post/look.js';
import { heartbeatIn } from './heartbeat.js';

export interface NodeLookDeps extends LookDeps {
  readonly store: MixStore;
  readonly loopsPerInterval: number;
}

/** What there is in a node. @throws StoreError */
export const lookAtNode = (deps: NodeLookDeps, now: number): Look => {
  const { store, loopsPerInterval } = deps;
  const look = lookAtPost(deps, now);
  const { holding, returned } = heartbeatIn(store);
  return {
    ...look,
    waiting: { pool: store.poolSize(), ...look.waiting, 'open messages': store.openMessages() },
    heartbeat: { isHolding: holding, returned, perInterval: loopsPerInterval },
  };
};
