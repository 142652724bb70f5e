import type { Look } from '../ports/status.js';
import type { ClientStore, MessageState } from '../ports/client-store.js';
import { type LookDeps, lookAtPost } from '../post/look.js';

export interface ClientLookDeps extends LookDeps {
  readonly store: ClientStore;
}

/** What there is in a client. @throws StoreError */
export const lookAtClient = (deps: ClientLookDeps, now: number): Look => {
  const { store } = deps;
  const look = lookAtPost(deps, now);
  const messages = store.messageStatuses();
  const of = (...states: readonly MessageState[]): number =>
    messages.filter(({ state }) => states.includes(state)).length;
  return {
    ...look,
    waiting: {
      'messages waiting': of('waiting'),
      'messages in the network': of('in-network', 'sent'),
      'messages delivered': of('delivered'),
      'messages failed': of('failed'),
      pool: store.poolSize(),
      ...look.waiting,
    },
  };
};
