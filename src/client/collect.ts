import type { Base64 } from '../base/base64.js';
import { Bug, PacketError, SubmissionError } from '../base/errors.js';
import type { MessageId } from '../base/ids.js';
import { unitInterval } from '../base/random.js';
import type { Rng } from '../base/random.js';
import { hourMs, minuteMs } from '../base/units.js';
import { carrierSubject, sliceCarrierMail } from '../carrier/carrier.js';
import { packetsInParts } from '../carrier/parts.js';
import { deliveryToken } from '../message/delivery.js';
import { fragmentDataBytes } from '../message/fragment.js';
import { messageIdIn, readHead, valuesOf } from '../message/head.js';
import { decodeReceipt } from '../message/receipt.js';
import { receivedReply } from '../message/received.js';
import { joinPieces, readPiece } from '../message/reply.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Inbox, InboxMail, MimeParser } from '../ports/mail.js';
import type { ClientStore, MessageStatus, Sending, Surb } from '../ports/client-store.js';
import type { Reading } from '../post/aside.js';
import { inEachFolder } from '../post/folders.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { geometry } from '../sphinx/geometry.js';
import { readMailboxPacket } from '../sphinx/mailbox.js';
import { openSurb } from '../sphinx/surb.js';
import { asks, hasAll, noteDelivered, noteHeard } from './questions.js';
import type { AskDeps } from './questions.js';
import { addReport, changing, settle } from './status.js';
import type { StatusDeps } from './status.js';

export interface CollectDeps extends StatusDeps, AskDeps {
  readonly store: ClientStore;
  readonly inbox: Inbox;
  /** How far it has come; lives as long as the process. */
  readonly reading: Reading;
  readonly parse: MimeParser;
  readonly base64: Base64;
  readonly crypto: SphinxCrypto;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

/** What an exit asks for is sent within this time, at random. */
const soonMs = 30 * minuteMs;
/** A reply of which pieces are missing this long after its first one came is given up. */
const replyWaitMs = 48 * hourMs;

/** The packets of a mail in the mailbox. */
interface Carrier {
  readonly uid: number;
  readonly packets: readonly Uint8Array[];
  /**
   * What the mail is: `canonical`, byte for byte as nodes write it; `changed` on its way, by a gateway; or somebody's
   * `letter`, whatever was attached to it.
   */
  readonly form: 'canonical' | 'changed' | 'letter';
}

/** No person's mail says that of itself, and each of ours does. */
const isByMachine = (raw: Uint8Array): boolean =>
  valuesOf(readHead(raw), 'auto-submitted').some((value) => /^auto-generated\b/i.test(value));

const carrierIn = async ({ parse, base64 }: CollectDeps, { uid, raw }: InboxMail): Promise<Carrier> => {
  const nothing: Carrier = { uid, packets: [], form: 'letter' };
  if (raw === undefined) return nothing;
  const sliced = sliceCarrierMail(raw, base64);
  if (sliced !== undefined) return { uid, packets: sliced, form: 'canonical' };
  try {
    const packets = packetsInParts((await parse(raw)).parts);
    return { uid, packets, form: isByMachine(raw) ? 'changed' : 'letter' };
  } catch (error) {
    if (error instanceof SubmissionError) return nothing;
    throw error;
  }
};

/**
 * What an exit said about its part of a message that has not come to its end.
 *
 * @returns whether the message goes out sooner for it
 */
const note = (deps: CollectDeps, { messageId, exit }: Surb, news: (known: Sending) => Partial<Sending>): boolean => {
  const { store, rng, clock } = deps;
  const sendings = store.sendings(messageId);
  const known = sendings.find((sending) => sending.exit === exit);
  if (known === undefined) return false;
  const now = { ...known, ...news(known), hearBy: undefined };
  store.putSending(messageId, now);
  const isNews = now.closed !== known.closed || now.confirmed.length > known.confirmed.length;
  // Who asks has nothing to send to an exit that has it all.
  const isDone = now.closed === undefined && hasAll(now) && asks(deps);
  if (!isNews || known !== sendings[0] || isDone) return false;
  store.setNextAt(messageId, clock.now() + unitInterval(rng) * soonMs);
  return true;
};

/**
 * Acts upon a receipt. That fragments are missing counts as an answer only if there are more of them than before: an
 * exit that says the same again and again does not keep the message from going to another one.
 *
 * @returns whether the message's status is another one
 */
const takeReceipt = (deps: CollectDeps, surb: Surb, status: MessageStatus, content: Uint8Array): boolean => {
  const receipt = decodeReceipt(content);
  const isDelivered = status.state === 'delivered';
  if (isDelivered) noteHeard(deps, surb);
  switch (receipt.kind) {
    case 'incomplete':
      if (isDelivered) return false;
      return note(deps, surb, ({ bytes, confirmed, unanswered }) => {
        const have = receipt.have.filter((index) => index * fragmentDataBytes < bytes.length);
        const all = [...new Set([...confirmed, ...have])].toSorted((a, b) => a - b);
        return { confirmed: all, unanswered: all.length > confirmed.length ? 0 : unanswered };
      });
    case 'gave-up':
    case 'expired':
      return !isDelivered && note(deps, surb, () => ({ closed: receipt.kind }));
    default: {
      const now = deps.clock.now();
      const isNews = settle(deps, status, receipt, now);
      if (isNews && receipt.kind === 'handed-over') noteDelivered(deps, surb, now);
      return isNews;
    }
  }
};

/** Keeps a piece of a reply; the last one makes a mail for the user of all. */
const takePiece = (deps: CollectDeps, { id, originalMessageId }: MessageStatus, content: Uint8Array): void => {
  const { store, from, clock } = deps;
  const piece = readPiece(content);
  const { replyId, index, count } = piece;
  const known = store.reply(id, replyId);
  if (known !== undefined && (known.closed || known.count !== count || known.indexes.includes(index))) return;
  store.addPiece(id, piece, clock.now());
  if ((known?.indexes.length ?? 0) + 1 < count) return;
  const whole = joinPieces(store.pieces(id, replyId));
  const raw = receivedReply(whole, { to: from, token: deliveryToken(id), originalMessageId });
  const mailId = messageIdIn(readHead(raw));
  if (mailId === undefined) throw new Bug('a received reply has a Message-ID');
  store.addInbound({ kind: 'reply', about: id, mailId, raw });
  store.closeReply(id, replyId);
};

/** What a packet in the mailbox was, for the count of the log: an `answer` about a message, or about none. */
type Found = 'stranger' | 'damaged' | 'answer' | 'piece';

/** Opens a packet if it came over a reply block of ours, uses the block up, and acts. In a transaction. */
const take = (deps: CollectDeps, packet: Uint8Array, changed: (id: MessageId) => void): Found => {
  const { store, crypto } = deps;
  const { surbId, payload } = readMailboxPacket(packet);
  const surb = store.surb(surbId);
  const status = surb && store.messageStatus(surb.messageId);
  if (surb === undefined || status === undefined) return store.takeLoop(surbId) === undefined ? 'stranger' : 'answer';
  try {
    // What doesn't open was not made with this block: the right packet may still come.
    const content = openSurb(crypto, surb.opener, payload);
    store.removeSurb(surbId);
    if (surb.purpose === 'reply') takePiece(deps, status, content);
    else if (takeReceipt(deps, surb, status, content)) changed(status.id);
    return surb.purpose === 'reply' ? 'piece' : 'answer';
  } catch (error) {
    if (error instanceof PacketError) return 'damaged';
    throw error;
  }
};

/** Gives up the replies whose missing pieces don't come, and tells the user. */
const giveUpReplies = (deps: CollectDeps): void => {
  const { store, clock } = deps;
  const now = clock.now();
  for (const { messageId, replyId } of store.staleReplies(now - replyWaitMs))
    store.atomically(() => {
      store.closeReply(messageId, replyId);
      const status = store.messageStatus(messageId);
      if (status !== undefined) addReport(deps, status, { kind: 'reply-incomplete' }, now);
    });
};

/**
 * Reads the user's mailbox once, as far as mails in it can hold packets: receipts and pieces of replies that came over
 * the client's own reply blocks are acted upon, and their mails removed, but no letter that they are attached to. Packets
 * for nobody here go too, if their mail is written as nodes write them; any other mail stays as it is, unread.
 *
 * Store, then acknowledge: a mail is removed only after what it brought is durable, and the cursor moves after that.
 * Killed at any point, the mail is read again and its reply blocks are used up already.
 *
 * @throws MailError, StoreError: nothing is lost, the next call starts where this one stopped. A folder that can't be read
 *   keeps no other from being read
 */
export const collectOnce = async (deps: CollectDeps, signal: AbortSignal): Promise<void> => {
  const { inbox, reading, store, log } = deps;
  const counts = new Map<string, number>();
  const failure = await inEachFolder(inbox, signal, async (folder) => {
    for (let more = true; more && !signal.aborted;) {
      const filter = { smallestBytes: geometry.packetBytes, subject: carrierSubject };
      const fetched = await inbox.fetch(folder, reading.from(store, folder), signal, filter);
      const carriers: Carrier[] = [];
      for (const mail of fetched.mails) carriers.push(await carrierIn(deps, mail));
      const uids = changing(deps, (changed) =>
        carriers.flatMap(({ uid, packets, form }) => {
          const found = packets.map((packet) => take(deps, packet, changed));
          for (const what of found) counts.set(what, (counts.get(what) ?? 0) + 1);
          const isForUs = form === 'changed' && found.some((what) => what !== 'stranger');
          return form === 'canonical' || isForUs ? [uid] : [];
        }),
      );
      if (uids.length > 0) await inbox.remove(folder, fetched.uidValidity, uids, signal);
      reading.dealtWith(store, folder, fetched);
      more = fetched.more;
    }
  });
  // What is missing may lie where nobody has looked yet.
  if (!signal.aborted && failure === undefined) giveUpReplies(deps);
  if (counts.size > 0) log.info('collect', Object.fromEntries(counts));
  if (failure !== undefined) throw failure;
};
