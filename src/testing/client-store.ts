import { messageIdOf, nodeIdOf } from '../base/ids.js';
import type { ClientStore, Surb } from '../ports/client-store.js';
import { given, type TestTools } from './tools.js';

/** A store that can be closed. */
export type OpenClientStore = ClientStore & { readonly close: () => void };

/** A place where one store can be kept. */
export interface ClientStoreRig {
  /** The store that is kept there; at first an empty one. What was closed before is there again, as after a restart. */
  readonly open: () => OpenClientStore;
  readonly stop: () => void;
}

const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);
const id = messageIdOf(bytes(5, 16));
const other = messageIdOf(bytes(6, 16));
const exit = nodeIdOf(bytes(7));
const queued = {
  id,
  recipient: 'bob@example.org',
  message: bytes(4, 100),
  replyBlocks: 2,
  originalMessageId: '<a@b>',
} as const;
const surb: Surb = { id: bytes(1, 16), opener: bytes(2, 128), purpose: 'reply', messageId: id, exit, expiresAt: 100 };

/**
 * What every store of a client does, whatever keeps it.
 *
 * @param tools of a test runner
 * @param name of what keeps it, for the tests' names
 * @param start a new place each time
 */
export const clientStoreContract = (tools: TestTools, name: string, start: () => ClientStoreRig): void => {
  const { describe, it, expect, beforeEach, afterEach } = tools;
  describe(`${name}: client store`, () => {
    let rig: ClientStoreRig;
    const open = (): OpenClientStore => rig.open();

    beforeEach(() => {
      rig = start();
    });
    afterEach(() => rig.stop());

    it('keeps a mail once however often it is handed in, as long as it is remembered', () => {
      const before = open();
      expect(before.queueMessage(queued, bytes(1), 10)).toBe(id);
      before.close();
      const store = open();
      expect(store.queuedMessages()).toEqual([queued]);
      expect(store.queueMessage({ ...queued, id: other }, bytes(1), 11)).toBe(id);
      store.countSending(id, 50, undefined);
      expect(store.queuedMessages()).toEqual([]);
      expect(store.queueMessage({ ...queued, id: other }, bytes(1), 12)).toBe(id);
      store.forgetFingerprints(11);
      expect(store.queueMessage({ ...queued, id: other }, bytes(1), 12)).toBe(other);
      store.close();
    });

    it('keeps a mail anew that is handed in again after it failed: its user was told to', () => {
      const store = open();
      const end = { kind: 'no-answer', sendings: 3 } as const;
      store.queueMessage(queued, bytes(1), 10);
      store.settleMessage(id, { state: 'failed', ending: end }, 20);
      expect(store.queueMessage({ ...queued, id: other }, bytes(1), 30)).toBe(other);
      expect(store.queuedMessages()).toEqual([{ ...queued, id: other }]);
      // From then on that one counts.
      expect(store.queueMessage({ ...queued, id: messageIdOf(bytes(9, 16)) }, bytes(1), 40)).toBe(other);
      store.forgetFingerprints(30);
      store.settleMessage(other, { state: 'delivered', ending: { kind: 'handed-over', code: 250 } }, 50);
      expect(store.queueMessage({ ...queued, id: messageIdOf(bytes(9, 16)) }, bytes(1), 60)).toBe(other);
      store.close();
    });

    it('knows how far a message is, and of one at its end only that', () => {
      const store = open();
      store.queueMessage(queued, bytes(1), 10);
      const sent = { exit, bytes: bytes(4, 100), confirmed: [], unanswered: 1, sentAt: 20, closed: undefined };
      const sending = { ...sent, askAt: undefined, asked: 0, hearBy: undefined };
      store.putSending(id, sending);
      store.putSending(id, { ...sending, exit: nodeIdOf(bytes(8)), sentAt: 30 });
      store.countSending(id, 50, 7.25);
      expect(store.overdueMessages(49)).toEqual([]);
      expect(store.overdueMessages(50)).toEqual([queued]);
      store.putSending(id, { ...sending, confirmed: [0, 254], closed: 'expired' });
      expect(store.sendings(id)).toEqual([
        { ...sending, exit: nodeIdOf(bytes(8)), sentAt: 30 },
        { ...sending, confirmed: [0, 254], closed: 'expired' },
      ]);
      expect([store.unsettledMessages(9), store.unsettledMessages(10)]).toEqual([[], [id]]);
      store.settleMessage(id, { state: 'failed', ending: { kind: 'bounced', status: [5, 1, 1] } }, 60);
      expect(store.messageStatus(id)).toEqual({
        id,
        recipient: 'bob@example.org',
        originalMessageId: '<a@b>',
        state: 'failed',
        submittedAt: 10,
        sendings: 1,
        nextAt: undefined,
        settledAt: 60,
        ending: { kind: 'bounced', status: [5, 1, 1] },
        bits: 7.25,
      });
      expect(store.sendings(id)).toEqual([]);
      expect(store.unsettledMessages(99)).toEqual([]);
      store.close();
    });

    it('forgets the recipient of a message in time, and all of it when no answer can come any more', () => {
      const store = open();
      store.queueMessage(queued, bytes(1), 10);
      store.queueMessage({ ...queued, id: other }, bytes(2), 10);
      store.addSurb(surb);
      for (const one of [id, other]) store.settleMessage(one, { state: 'sent', ending: undefined }, 20);
      store.forgetMessages(20);
      expect(store.messageStatuses()).toHaveLength(2);
      store.forgetMessages(21);
      expect(store.messageStatuses()).toEqual([]);
      expect(store.messageStatus(other)).toBe(undefined);
      expect(store.messageStatus(id)).toMatchObject({ recipient: undefined, originalMessageId: '<a@b>' });
      store.forgetSurbs(100);
      expect(store.surb(surb.id)).toEqual(surb);
      store.forgetSurbs(101);
      store.forgetMessages(21);
      expect(store.messageStatus(id)).toBe(undefined);
      store.close();
    });

    it('keeps the pieces of a reply until it is closed, and remembers it then', () => {
      const store = open();
      store.queueMessage(queued, bytes(1), 10);
      const replyId = bytes(3, 16);
      expect(store.reply(id, replyId)).toBe(undefined);
      store.addPiece(id, { replyId, index: 1, count: 3, data: bytes(1, 5) }, 100);
      store.addPiece(id, { replyId, index: 0, count: 3, data: bytes(2, 5) }, 200);
      expect(store.reply(id, replyId)).toEqual({ count: 3, closed: false, indexes: [0, 1] });
      expect(store.pieces(id, replyId)).toEqual([
        { index: 0, data: bytes(2, 5) },
        { index: 1, data: bytes(1, 5) },
      ]);
      expect([store.staleReplies(100), store.staleReplies(101)]).toEqual([[], [{ messageId: id, replyId }]]);
      store.closeReply(id, replyId);
      expect(store.reply(id, replyId)).toEqual({ count: 3, closed: true, indexes: [] });
      expect(store.staleReplies(101)).toEqual([]);
      store.settleMessage(id, { state: 'sent', ending: undefined }, 20);
      store.forgetMessages(21);
      expect(store.reply(id, replyId)).toBe(undefined);
      store.close();
    });

    it('has a reply block once', () => {
      const store = open();
      store.queueMessage(queued, bytes(1), 10);
      store.addSurb(surb);
      expect(store.surb(surb.id)).toEqual(surb);
      expect(store.surb(bytes(9, 16))).toBe(undefined);
      store.removeSurb(surb.id);
      expect(store.surb(surb.id)).toBe(undefined);
      store.close();
    });

    it('asks about sendings that nobody has closed, of messages under way and delivered, until they are removed', () => {
      const store = open();
      const [first, second, third] = [id, messageIdOf(bytes(9, 16)), messageIdOf(bytes(10, 16))];
      const sending = {
        ...{ exit, bytes: bytes(4), confirmed: [], unanswered: 1, sentAt: 20, closed: undefined },
        ...{ askAt: 30, asked: 1, hearBy: undefined },
      };
      for (const [i, one] of [first, second, third].entries()) {
        store.queueMessage({ ...queued, id: one }, bytes(20 + i), 10);
        store.countSending(one, 50, undefined);
      }
      store.putSending(first, sending);
      store.putSending(second, { ...sending, closed: 'gave-up' });
      for (const [one, state] of [
        [second, 'delivered'],
        [third, 'failed'],
      ] as const) {
        store.settleMessage(one, { state, ending: undefined }, 40);
        expect(store.sendings(one)).toEqual([]);
        store.putSending(one, { ...sending, bytes: bytes(0, 0) });
      }
      const kept = { exit, sentAt: 20, askAt: 30, asked: 1 };
      const sendings = store.openSendings();
      expect(sendings).toHaveLength(2);
      expect(sendings).toContainEqual({ messageId: first, isDelivered: false, ...kept });
      expect(sendings).toContainEqual({ messageId: second, isDelivered: true, ...kept });
      store.removeSendings(second);
      expect(store.openSendings().map(({ messageId }) => messageId)).toEqual([first]);
      expect(store.messageStatus(second)).toMatchObject({ state: 'delivered', settledAt: 40 });
      store.close();
    });

    it('has mails for the user until they are brought, those first that were tried least', () => {
      const store = open();
      const mail = { kind: 'report', about: id, mailId: '<r@m>', raw: bytes(1, 5) } as const;
      store.addInbound(mail);
      store.addInbound({ ...mail, kind: 'reply', mailId: '<s@m>' });
      const [first, second] = store.inboundIds();
      const of = (place: number | undefined): number => given(place, 'a mail for the user');
      expect(store.beginInbound(of(first))).toEqual({ ...mail, attempts: 0 });
      expect(store.inboundIds()).toEqual([second, first]);
      expect(store.beginInbound(of(first))).toMatchObject({ attempts: 1 });
      store.removeInbound(of(first));
      expect(store.beginInbound(of(first))).toBe(undefined);
      expect(store.inboundIds()).toEqual([second]);
      store.close();
    });

    it('leaves what waits for a clock that was set back as long to wait as it had', () => {
      const store = open();
      store.queueMessage(queued, bytes(1), 1000);
      store.countSending(id, 1050, undefined);
      store.putSending(id, {
        ...{ exit, bytes: bytes(4), confirmed: [], unanswered: 1, sentAt: 1000, closed: undefined },
        ...{ askAt: undefined, asked: 0, hearBy: undefined },
      });
      store.noteQuestion(given(store.openSendings()[0], 'an open sending'), { askAt: 1020, asked: 1, hearBy: 1060 });
      store.addToPool({ kind: 'forward', nextHop: exit, readyAt: 1000, bytes: bytes(2) });
      store.setBack(900);
      expect([store.overdueMessages(149), store.overdueMessages(150).map((one) => one.id)]).toEqual([[], [id]]);
      expect(store.messageStatus(id)).toMatchObject({ submittedAt: 1000 });
      expect(store.sendings(id)).toMatchObject([{ sentAt: 100, askAt: 120, hearBy: 160 }]);
      expect([store.waiting(99), store.waiting(100).length]).toEqual([[], 1]);
      store.setBack(-900);
      expect(store.sendings(id)).toMatchObject([{ sentAt: 1000, askAt: 1020, hearBy: 1060 }]);
      expect([store.waiting(999), store.waiting(1000).length]).toEqual([[], 1]);
      store.close();
    });

    it('undoes everything of a transaction that fails', () => {
      const store = open();
      expect(() =>
        store.atomically(() => {
          store.queueMessage(queued, bytes(1), 10);
          store.addToPool({ kind: 'forward', nextHop: exit, readyAt: 0, bytes: bytes(2) });
          throw new Error('power cut');
        }),
      ).toThrow('power cut');
      expect([store.queuedMessages(), store.waiting(1)]).toEqual([[], []]);
      store.close();
    });
  });
};
