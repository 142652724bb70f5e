/**
 * What adapters promise, as tests for a runner of your own. `docs/architecture.md` says how to write one.
 *
 * @module mixmailer/testing
 */
export type { MessageId, NodeId } from '../base/ids.js';
export { MailError, StoreError } from '../base/errors.js';
export type * from '../ports/follow.js';
export type * from '../ports/mail.js';
export type * from '../ports/membership.js';
export type * from '../ports/client-store.js';
export type * from '../ports/mix-store.js';
export type * from '../ports/stores.js';
export { arrivedWhole, bulk, inboxContract, mailNamed } from './inbox.js';
export type { InboxRig, InboxServer, Limits } from './inbox.js';
export { clientStoreContract } from './client-store.js';
export type { ClientStoreRig, OpenClientStore } from './client-store.js';
export { mixStoreContract } from './mix-store.js';
export type { MixStoreRig, OpenMixStore } from './mix-store.js';
export { outboxContract } from './outbox.js';
export type { OutboxRig, OutboxServer } from './outbox.js';
export type { Expectation, TestTools } from './tools.js';
