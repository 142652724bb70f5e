import type { MessageId } from '../base/ids.js';
import { composeReport, reportMessageId } from '../message/report.js';
import type { Ending } from '../message/report.js';
import type { InboundStore, MessageStatus, MessageStore } from '../ports/client-store.js';
import type { Store } from '../ports/stores.js';

export interface StatusDeps {
  readonly store: Store & MessageStore & InboundStore;
  /** The user's own address. */
  readonly from: string;
  /**
   * Whether a notice, which may lie at the user's provider, says whom the message was for; `none` where no notice can be
   * brought to the user, who sees in the queue how it ended.
   */
  readonly notices: 'hide-recipient' | 'name-recipient' | 'none';
  /** Hears what has changed, when that is durable. */
  readonly onStatus?: (status: MessageStatus) => void;
}

/** Does the work in one transaction; then tells of the messages that it named as changed. */
export const changing = <T>(
  { store, onStatus }: Pick<StatusDeps, 'store' | 'onStatus'>,
  work: (changed: (id: MessageId) => void) => T,
): T => {
  const ids = new Set<MessageId>();
  const result = store.atomically(() => work((id) => ids.add(id)));
  if (onStatus === undefined) return result;
  for (const id of ids) {
    const status = store.messageStatus(id);
    if (status !== undefined) onStatus(status);
  }
  return result;
};

/** Puts a report about the message where mails for the user wait, if any can be brought. In a transaction. */
export const addReport = (
  { store, from, notices }: StatusDeps,
  { id, recipient, originalMessageId, submittedAt }: MessageStatus,
  ending: Ending,
  now: number,
): void => {
  if (notices === 'none') return;
  const named = notices === 'name-recipient' ? recipient : undefined;
  store.addInbound({
    kind: 'report',
    about: id,
    mailId: reportMessageId({ messageId: id, ending }),
    raw: composeReport({ to: from, messageId: id, ending, recipient: named, originalMessageId, submittedAt, now }),
  });
};

/**
 * What a message becomes by an ending; undefined if that is no news. What has been handed over is delivered, whatever
 * was thought before; only a bounce is a later word than that.
 */
const stateAfter = ({ state, ending: known }: MessageStatus, { kind }: Ending): 'delivered' | 'failed' | undefined => {
  switch (kind) {
    case 'bounced':
      return known?.kind === 'bounced' ? undefined : 'failed';
    case 'handed-over':
      return state === 'delivered' || known?.kind === 'bounced' ? undefined : 'delivered';
    default:
      return state === 'delivered' || state === 'failed' ? undefined : 'failed';
  }
};

/**
 * The message has come to an end, or to another one than before. The user is told when it failed, and when it is
 * delivered after they were told that it failed. In a transaction.
 *
 * @returns whether that is news
 */
export const settle = (deps: StatusDeps, status: MessageStatus, ending: Ending, now: number): boolean => {
  const state = stateAfter(status, ending);
  if (state === undefined) return false;
  deps.store.settleMessage(status.id, { state, ending }, now);
  if (state === 'failed' || status.state === 'failed') addReport(deps, status, ending, now);
  return true;
};
