import { messageIdOf, nodeIdOf } from '../base/ids.js';
import type { MixStore } from '../ports/mix-store.js';
import { given, type TestTools } from './tools.js';

/** A store that can be closed. */
export type OpenMixStore = MixStore & { readonly close: () => void };

/** A place where one store can be kept. */
export interface MixStoreRig {
  /** The store that is kept there; at first an empty one. What was closed before is there again, as after a restart. */
  readonly open: () => OpenMixStore;
  readonly stop: () => void;
}

const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);
const nextHop = nodeIdOf(bytes(7));
const message = messageIdOf(bytes(5, 16));

/**
 * What every store of a node does, whatever keeps it.
 *
 * @param tools of a test runner
 * @param name of what keeps it, for the tests' names
 * @param start a new place each time
 */
export const mixStoreContract = (tools: TestTools, name: string, start: () => MixStoreRig): void => {
  const { describe, it, expect, beforeEach, afterEach } = tools;
  describe(`${name}: mix store`, () => {
    let rig: MixStoreRig;
    const open = (): OpenMixStore => rig.open();

    beforeEach(() => {
      rig = start();
    });
    afterEach(() => rig.stop());

    it('knows a replay tag after a restart, until its key dies', () => {
      const before = open();
      expect(before.addReplayTag('key-a', bytes(1))).toBe(true);
      expect(before.addReplayTag('key-b', bytes(1))).toBe(true);
      expect(before.addReplayTag('key-a', bytes(1))).toBe(false);
      before.close();
      const after = open();
      expect(after.addReplayTag('key-a', bytes(1))).toBe(false);
      after.forgetReplayTagsBut(['key-b', 'key-c']);
      expect(after.addReplayTag('key-a', bytes(1))).toBe(true);
      expect(after.addReplayTag('key-b', bytes(1))).toBe(false);
      after.close();
    });

    it('undoes everything of a transaction that fails', () => {
      const store = open();
      expect(() =>
        store.atomically(() => {
          store.addReplayTag('key', bytes(1));
          store.addToPool({ kind: 'forward', nextHop, readyAt: 0, bytes: bytes(2) });
          throw new Error('power cut');
        }),
      ).toThrow('power cut');
      expect(store.waiting(1)).toEqual([]);
      expect(store.addReplayTag('key', bytes(1))).toBe(true);
      store.close();
    });

    it('shows a pool entry only when its delay is over, and gives it once', () => {
      const store = open();
      store.addToPool({ kind: 'forward', nextHop, readyAt: 1000, bytes: bytes(2) });
      store.addToPool({ kind: 'exit', readyAt: 2000, bytes: bytes(3) });
      expect(store.waiting(999)).toEqual([]);
      expect(store.waiting(1000).map(({ to }) => to)).toEqual([{ kind: 'node', nextHop }]);
      const late = store.waiting(2000);
      expect(late).toHaveLength(2);
      const fragment = late.find(({ to }) => to.kind === 'here');
      expect(fragment && store.takeFromPool(fragment.id)).toEqual(bytes(3));
      expect(() => fragment && store.takeFromPool(fragment.id)).toThrow('gone');
      store.addToPool({ kind: 'forward', nextHop, readyAt: 1000, throughHold: true, bytes: bytes(5) });
      expect(
        store
          .waiting(1000)
          .map(({ throughHold }) => throughHold)
          .toSorted(),
      ).toEqual([false, true]);
      for (const { id, throughHold } of store.waiting(1000)) if (throughHold) store.takeFromPool(id);
      store.addToPool({ kind: 'mailbox', address: 'alice@home.test', readyAt: 3000, bytes: bytes(4) });
      expect(store.waiting(3000).map(({ to }) => to)).toContainEqual({ kind: 'mailbox', address: 'alice@home.test' });
      const nodes = store.waiting(Infinity).flatMap(({ to }) => (to.kind === 'node' ? [to.nextHop] : []));
      const counted = new Map(nodes.map((node) => [node, nodes.filter((other) => other === node).length]));
      expect(store.poolCensus()).toEqual({ mailboxes: 1, nodes: counted });
      expect(store.expirePool(1000)).toBe(0);
      expect(store.expirePool(1001)).toBe(1);
      expect(store.expirePool(3001)).toBe(1);
      expect(store.waiting(9999)).toEqual([]);
      store.close();
    });

    it('stores of a view into larger memory what is in view, as workers hand their packets over', () => {
      const store = open();
      const memory = Uint8Array.from({ length: 100 }, (_, i) => i);
      store.addToPool({ kind: 'exit', readyAt: 0, bytes: memory.subarray(10, 13) });
      const [entry] = store.waiting(0);
      expect(entry && [...store.takeFromPool(entry.id)]).toEqual([10, 11, 12]);
      expect(store.addReplayTag('key', memory.subarray(0, 3))).toBe(true);
      expect(store.addReplayTag('key', memory.subarray(1, 4))).toBe(true);
      expect(store.addReplayTag('key', Uint8Array.of(1, 2, 3))).toBe(false);
      store.close();
    });

    it('keeps fragments until the message is closed, and then its id', () => {
      const store = open();
      store.openMessage(message, 2, 50);
      store.addFragment(message, { index: 1, data: bytes(9, 10) });
      expect(store.message(message)).toEqual({
        count: 2,
        indexes: [1],
        closed: false,
        answer: undefined,
      });
      store.openMessage(message, 3, 60);
      store.addFragment(message, { index: 0, data: bytes(8, 20) });
      expect(store.fragments(message).map(({ index, data }) => [index, data[0]])).toEqual([
        [0, 8],
        [1, 9],
      ]);
      expect(store.openMessages()).toBe(1);
      expect(store.messageOfToken('token')).toBe(undefined);
      store.closeMessage(message, 'token', 100);
      expect(store.messageOfToken('token')).toBe(message);
      expect(store.openMessages()).toBe(0);
      expect(store.message(message)).toMatchObject({ closed: true, indexes: [] });
      store.forgetMessages(100);
      expect(store.message(message)).not.toBe(undefined);
      store.forgetMessages(101);
      expect(store.message(message)).toBe(undefined);
      store.close();
    });

    it('names the messages that never became whole, and remembers how one ended', () => {
      const store = open();
      store.openMessage(message, 2, 50);
      store.addFragment(message, { index: 0, data: bytes(8) });
      expect(store.overdueMessages(50)).toEqual([]);
      expect(store.overdueMessages(51)).toEqual([message]);
      store.settleMessage(message, bytes(7, 34), 99);
      expect(store.overdueMessages(51)).toEqual([]);
      expect(store.message(message)).toMatchObject({ closed: true, indexes: [], answer: bytes(7, 34) });
      store.close();
    });

    it('keeps the newest reply block for each purpose, gives it once, and forgets it after the message’s end', () => {
      const store = open();
      expect(() => store.keepBlock(message, 'receipt', bytes(1), 50)).toThrow();
      store.openMessage(message, 2, 50);
      store.keepBlock(message, 'receipt', bytes(1), 50);
      store.keepBlock(message, 'bounce', bytes(2), 50);
      store.keepBlock(message, 'receipt', bytes(3), 60);
      expect(store.stalledMessages(60)).toEqual([]);
      expect(store.stalledMessages(61)).toEqual([message]);
      expect(store.takeBlock(message, 'receipt')).toEqual(bytes(3));
      expect(store.takeBlock(message, 'receipt')).toBe(undefined);
      expect(store.stalledMessages(61)).toEqual([]);
      store.closeMessage(message, 'token', 100);
      store.forgetBlocks(1000);
      store.settleMessage(message, bytes(7, 34), 200);
      store.forgetBlocks(200);
      expect(store.takeBlock(message, 'bounce')).toEqual(bytes(2));
      store.keepBlock(message, 'bounce', bytes(4), 210);
      store.forgetBlocks(201);
      expect(store.takeBlock(message, 'bounce')).toBe(undefined);
      store.keepBlock(message, 'bounce', bytes(5), 220);
      store.forgetMessages(201);
      expect(store.message(message)).toBe(undefined);
      expect(store.takeBlock(message, 'bounce')).toBe(undefined);
      store.close();
    });

    it('keeps a return address with its blocks and marks until it is forgotten', () => {
      const store = open();
      const address = { token: 'token', alias: bytes(1), expiresAt: 100 };
      store.addReturnAddress(address, [bytes(2), bytes(3)]);
      store.addReturnAddress({ token: 'other', alias: bytes(9), expiresAt: 500 }, [bytes(4)]);
      expect(store.tokenOfAlias(bytes(1))).toBe('token');
      expect(store.tokenOfAlias(bytes(5))).toBe(undefined);
      expect(store.isReturnAddress('token')).toBe(true);
      expect(store.isReturnAddress('unknown')).toBe(false);
      const [first] = store.replyBlocks('token', 99);
      expect(store.replyBlocks('token', 99).map(({ block }) => block)).toEqual([bytes(2), bytes(3)]);
      expect(store.replyBlocks('token', 100)).toEqual([]);
      store.removeReplyBlock(given(first, 'a reply block').id);
      expect(store.replyBlocks('token', 99).map(({ block }) => block)).toEqual([bytes(3)]);
      expect(store.replyBlockCount()).toBe(2);
      expect(store.isMarked('token', 'done')).toBe(false);
      store.mark('token', 'done');
      store.mark('token', 'done');
      expect(store.isMarked('token', 'done')).toBe(true);
      expect(store.isMarked('other', 'done')).toBe(false);

      store.forgetReturnAddresses(99, 50);
      expect(store.replyBlockCount()).toBe(2);
      store.forgetReturnAddresses(100, 100);
      expect(store.replyBlockCount()).toBe(1);
      expect(store.isMarked('token', 'done')).toBe(true);
      store.forgetReturnAddresses(300, 101);
      expect(store.isReturnAddress('token')).toBe(false);
      expect(store.isMarked('token', 'done')).toBe(false);
      // The same message may come again when all of it is forgotten, or even before.
      store.addReturnAddress(address, [bytes(2)]);
      store.addReturnAddress({ ...address, alias: bytes(8) }, [bytes(3)]);
      expect(store.tokenOfAlias(bytes(1))).toBe(undefined);
      expect(store.replyBlocks('token', 0).map(({ block }) => block)).toEqual([bytes(3)]);
      store.close();
    });

    it('counts an attempt before it is made and keeps the mail until it is removed', () => {
      const store = open();
      store.addOutgoing({ kind: 'delivery', to: 'n@example.org', raw: bytes(1), messageId: message }, 10);
      const [id = 0] = store.dueOutgoing(10);
      expect(store.beginAttempt(id, 500)).toMatchObject({
        attempts: 0,
        createdAt: 10,
        to: 'n@example.org',
        messageId: message,
      });
      expect(store.dueOutgoing(499)).toEqual([]);
      store.close();
      const restarted = open();
      expect(restarted.dueOutgoing(500)).toEqual([id]);
      expect(restarted.beginAttempt(id, 900)).toMatchObject({ attempts: 1 });
      restarted.pauseOutgoing(5000);
      expect(restarted.dueOutgoing(4999)).toEqual([]);
      expect(restarted.dueOutgoing(5000)).toEqual([id]);
      restarted.removeOutgoing(id);
      expect(restarted.outgoingCount()).toBe(0);
      restarted.close();
    });

    it('tells mails by what they are for, and those that were never tried', () => {
      const store = open();
      store.addOutgoing({ kind: 'packets', to: 'n@example.org', raw: bytes(1) }, 10);
      store.addOutgoing({ kind: 'directory', to: 'list@example.org', raw: bytes(2) }, 10);
      store.addOutgoing({ kind: 'notice', to: 'b@example.org', raw: bytes(3) }, 10);
      store.addOutgoing({ kind: 'packets', to: 'n@example.org', raw: bytes(4) }, 20);
      const [packets = 0, list = 0, notice = 0, later = 0] = store.dueOutgoing(20);
      expect(store.dueOutgoing(20, ['packets'])).toEqual([packets, later]);
      expect(store.dueOutgoing(10, ['delivery', 'notice', 'directory'])).toEqual([list, notice]);
      expect([store.untriedOutgoing('packets'), store.untriedOutgoing('delivery')]).toEqual([2, 0]);
      store.beginAttempt(packets, 500);
      expect(store.untriedOutgoing('packets')).toBe(1);
      store.close();
    });

    it('counts what is due, and names what goes first and what has waited long', () => {
      const store = open();
      const delivery = { kind: 'delivery', to: 'b@example.org', raw: bytes(1), messageId: message } as const;
      store.addOutgoing(delivery, 10);
      store.addOutgoing({ kind: 'packets', to: 'n@example.org', raw: bytes(2) }, 10);
      store.addOutgoing(delivery, 20);
      const [old = 0, packets = 0, later = 0] = store.dueOutgoing(20);
      expect([store.dueOutgoingCount(19), store.dueOutgoingCount(20)]).toEqual([2, 3]);
      store.retryOutgoingAt(packets, 0);
      expect(store.firstOutgoing(['delivery'])).toEqual([]);
      store.retryOutgoingAt(later, 0);
      expect(store.firstOutgoing(['delivery'])).toEqual([later]);
      expect(store.agedOutgoing(10, 30, ['delivery'])).toEqual([]);
      expect(store.agedOutgoing(11, 30, ['delivery'])).toEqual([old]);
      // While the account rests what has waited too long is given up all the same, and what an attempt is made for is not.
      store.pauseOutgoing(100);
      expect([store.dueOutgoingCount(99), store.dueOutgoingCount(100)]).toEqual([0, 3]);
      store.beginAttempt(old, 50);
      expect(store.agedOutgoing(21, 49, ['delivery'])).toEqual([later]);
      expect(store.agedOutgoing(21, 50, ['delivery'])).toEqual([later, old]);
      store.close();
    });

    it('hands packets and documents over again at the next start when an attempt was cut off, and only then', () => {
      const store = open();
      store.addOutgoing({ kind: 'packets', to: 'cut@example.org', raw: bytes(1) }, 10);
      store.addOutgoing({ kind: 'packets', to: 'later@example.org', raw: bytes(2) }, 10);
      store.addOutgoing({ kind: 'delivery', to: 'b@example.org', raw: bytes(3), messageId: message }, 10);
      store.addOutgoing({ kind: 'directory', to: 'list@example.org', raw: bytes(4) }, 10);
      const [cut = 0, later = 0, delivery = 0, list = 0] = store.dueOutgoing(10);
      for (const id of [cut, later, delivery, list]) store.beginAttempt(id, 500);
      store.retryOutgoingAt(later, 400);
      store.close();
      const restarted = open();
      restarted.resumeOutgoing(20);
      expect(restarted.dueOutgoing(20)).toEqual([cut, list]);
      expect(restarted.dueOutgoing(400)).toEqual([cut, list, later]);
      expect(restarted.dueOutgoing(500)).toEqual([cut, list, later, delivery]);
      restarted.close();
    });

    it('has what waits as it was when the clock is set back and forward again, and the first stays the first', () => {
      const store = open();
      for (const n of [1, 2]) store.addOutgoing({ kind: 'packets', to: 'n@example.org', raw: bytes(n) }, 1000);
      const [, second = 0] = store.dueOutgoing(1000);
      store.retryOutgoingAt(second, 0);
      store.addToPool({ kind: 'exit', readyAt: 1000, bytes: bytes(3) });
      store.setBack(1200);
      expect([store.firstOutgoing(['packets']).length, store.waiting(-200).length]).toEqual([2, 1]);
      store.setBack(-1200);
      expect(store.firstOutgoing(['packets'])).toEqual([second]);
      expect([store.waiting(999), store.waiting(1000).length]).toEqual([[], 1]);
      store.close();
    });

    it('remembers how far a folder was read', () => {
      const store = open();
      expect(store.cursor('INBOX')).toBe(undefined);
      store.setCursor('INBOX', { uidValidity: '77', uid: 3 });
      store.setCursor('INBOX', { uidValidity: '78', uid: 1 });
      expect(store.cursor('INBOX')).toEqual({ uidValidity: '78', uid: 1 });
      store.close();
    });

    it('has a note under its name, the last one', () => {
      const store = open();
      expect(store.note('flushed')).toBe(undefined);
      store.setNote('flushed', '1');
      store.setNote('flushed', '2');
      expect([store.note('flushed'), store.note('other')]).toEqual(['2', undefined]);
      store.close();
    });

    it('brings a loop home once, and only one that was sent', () => {
      const store = open();
      const id = new Uint8Array(16).fill(1);
      store.addLoop(id, 1000);
      expect(store.takeLoop(new Uint8Array(16).fill(2))).toBe(undefined);
      expect(store.takeLoop(id)).toBe(1000);
      expect(store.takeLoop(id)).toBe(undefined);
      store.addLoop(id, 1000);
      store.forgetLoops(1001);
      expect(store.takeLoop(id)).toBe(undefined);
      store.close();
    });
  });
};
