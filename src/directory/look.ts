import type { AuthorityStore } from '../ports/authority.js';
import type { Look } from '../ports/status.js';
import { type LookDeps, lookAtPost } from '../post/look.js';

export interface AuthorityLookDeps extends LookDeps {
  readonly store: AuthorityStore;
}

/** What there is in an authority. @throws StoreError */
export const lookAtAuthority = (deps: AuthorityLookDeps, now: number): Look => {
  const { store } = deps;
  const look = lookAtPost(deps, now);
  return {
    ...look,
    waiting: { members: store.members().length, candidates: store.waitingCount(), ...look.waiting },
  };
};
