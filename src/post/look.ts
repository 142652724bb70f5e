import type { AccountTold, Look } from '../ports/status.js';
import type { NoteStore, OutgoingStore } from '../ports/stores.js';
import type { Network } from '../route/network.js';
import { type AccountRules, accountIn, accountTold } from './account.js';

/** What is looked at in every role. */
export interface LookDeps {
  readonly store: Pick<NoteStore, 'note'> & Pick<OutgoingStore, 'outgoingCount'>;
  readonly account: Omit<AccountRules, 'now'>;
  readonly network: (now: number) => Network | undefined;
}

/** Mails that wait for the server, the account and the list. @throws StoreError */
export const lookAtPost = ({ store, account, network }: LookDeps, now: number): Look => {
  const rules = { ...account, now };
  const told: AccountTold = accountTold(store, rules);
  return {
    waiting: { outgoing: store.outgoingCount() },
    account: told,
    spent: accountIn(store, rules).spent,
    heartbeat: undefined,
    network: network(now),
  };
};
