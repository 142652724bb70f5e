import { longestReturnMs, mostReplyBlocks } from '../base/bounds.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { detailIn, mailboxIn, plusAddress } from '../base/address.js';
import type { Base64 } from '../base/base64.js';
import { ascii, toHex } from '../base/bytes.js';
import { SubmissionError, unreachable } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import { dayMs } from '../base/units.js';
import { aliasIn, mintAlias } from '../message/alias.js';
import type { ReturnAddress } from '../message/envelope.js';
import { readHead } from '../message/head.js';
import { sealable } from '../message/hygiene.js';
import { bouncesIn, readIncoming, replyContent } from '../message/incoming.js';
import type { Bounce, Incoming } from '../message/incoming.js';
import { composeNotice } from '../message/notice.js';
import type { NoticeReason } from '../message/notice.js';
import { cutReply, pieceDataBytes, piecesFor } from '../message/reply.js';
import type { MimeParser, ParsedMail } from '../ports/mail.js';
import type { KeptBlock, ReturnStore } from '../ports/mix-store.js';
import type { OutgoingStore, Store } from '../ports/stores.js';
import type { Network } from '../route/network.js';
import { isUsable, sendOver, settleBounce } from './answers.js';
import type { AnswerDeps } from './answers.js';

export interface ReturnDeps extends AnswerDeps {
  readonly store: AnswerDeps['store'] & ReturnStore;
  readonly rng: Rng;
  /** The exit's own address, outer sender of what it hands over. */
  readonly from: string;
  /** How a recipient's answer is known: by a plus address in Reply-To, or only by the mail it answers. */
  readonly replyTo: 'plus' | 'message-id';
}

/** How long after its end an answer is still told that it comes too late. */
const rememberReturnMs = 30 * dayMs;

const aliasHash = (alias: string): Uint8Array => sha256(ascii(alias));

/**
 * Keeps a message's return address under a fresh alias. Where there is no room for its blocks any more, it is kept as
 * one that is used up: the mail goes out all the same, and who answers it is told. In a transaction.
 *
 * @returns what the delivered mail has as its Reply-To, if anything
 */
export const keepReturnAddress = (
  { store, rng, tally, from, replyTo }: ReturnDeps,
  token: string,
  { expiresAt, blocks }: ReturnAddress,
  now: number,
): string | undefined => {
  const alias = mintAlias(rng);
  const hasRoom = store.replyBlockCount() + blocks.length <= mostReplyBlocks;
  if (!hasRoom) tally.add('reply/no-room');
  const bounded = Math.min(expiresAt, now + longestReturnMs);
  store.addReturnAddress({ token, alias: aliasHash(alias), expiresAt: bounded }, hasRoom ? blocks : []);
  return hasRoom && replyTo === 'plus' ? mailboxIn(plusAddress(from, alias)) : undefined;
};

/** Where and when a reply is carried. */
interface Moment {
  readonly network: Network;
  readonly now: number;
}

const usableBlocks = ({ store }: ReturnDeps, token: string, { network, now }: Moment): readonly KeptBlock[] =>
  store.replyBlocks(token, now).filter(({ block }) => isUsable(block, network));

const objectionTo = (content: Uint8Array, blocks: readonly KeptBlock[]): NoticeReason | undefined => {
  if (blocks.length === 0) return 'expired';
  return piecesFor(content.length) > blocks.length ? 'too-large' : undefined;
};

/** Puts a reply into the pool, each piece over a reply block of its own, or over two where there are that many. */
const carry = (deps: ReturnDeps, content: Uint8Array, blocks: readonly KeptBlock[], now: number): void => {
  const { store, rng, tally } = deps;
  const pieces = cutReply(content, rng(16));
  const twice = blocks.length >= 2 * pieces.length ? [...pieces, ...pieces] : pieces;
  blocks.slice(0, twice.length).forEach(({ id, block }, i) => {
    sendOver(deps, block, twice[i] ?? new Uint8Array(), now);
    store.removeReplyBlock(id);
  });
  tally.add('reply');
};

/** The alias of this exit that the recipient is; it may be one that nobody knows. */
export const aliasFor = ({ from }: Pick<ReturnDeps, 'from'>, recipient: string): string | undefined =>
  aliasIn(detailIn(from, recipient) ?? '');

/**
 * Takes a message for an alias of this exit as a reply to whom the alias stands for, without mailing it. In a transaction.
 *
 * @returns undefined when the recipient is no alias of this exit, else whether the reply is on its way
 */
export const takeForAlias = (
  deps: ReturnDeps,
  recipient: string,
  raw: Uint8Array,
  moment: Moment,
): boolean | undefined => {
  const alias = aliasFor(deps, recipient);
  if (alias === undefined) return undefined;
  const token = deps.store.tokenOfAlias(aliasHash(alias));
  if (token === undefined) return false;
  const blocks = usableBlocks(deps, token, moment);
  if (objectionTo(raw, blocks) !== undefined) return false;
  carry(deps, raw, blocks, moment.now);
  return true;
};

export interface LetterDeps extends ReturnDeps {
  readonly store: ReturnDeps['store'] & Store & OutgoingStore;
  readonly parse: MimeParser;
  readonly base64: Base64;
  /** What becomes of answers that are not encrypted. */
  readonly clearReplies: 'refuse' | 'carry';
}

/** A mail in the exit's mailbox that is about a message the exit has handed over. */
export type Letter =
  | {
      readonly kind: 'reply';
      /** Of the return addresses it is for, at least one. */
      readonly tokens: readonly string[];
      readonly content: Uint8Array;
      readonly isEncrypted: boolean;
      readonly by: Pick<Extract<Incoming, { kind: 'reply' }>, 'from' | 'messageId'>;
    }
  | { readonly kind: 'report'; readonly bounces: readonly Bounce[] };

/** The mail taken apart; undefined if it is damaged. */
export const readable = async (parse: MimeParser, raw: Uint8Array): Promise<ParsedMail | undefined> => {
  try {
    return await parse(raw);
  } catch (error) {
    if (error instanceof SubmissionError) return undefined;
    throw error;
  }
};

/** The test a sender's own mails have to pass. */
const isEncrypted = (mail: ParsedMail | undefined, base64: Base64): boolean => {
  try {
    return mail !== undefined && sealable(mail, 'keep', base64).openpgp.length > 0;
  } catch (error) {
    if (error instanceof SubmissionError) return false;
    throw error;
  }
};

/** What a mail without packets is to an exit; undefined if it is none of its business. */
export const readLetter = async (deps: LetterDeps, raw: Uint8Array): Promise<Letter | undefined> => {
  const { store, parse, base64, tally, from } = deps;
  const incoming = readIncoming(readHead(raw), from);
  switch (incoming.kind) {
    case 'reply': {
      const { aliases, tokens, ...by } = incoming;
      const named = aliases.flatMap((alias) => store.tokenOfAlias(aliasHash(alias)) ?? []);
      // What it answers counts only for one that is to no alias: Cc may name a second sender, not a second mail.
      const known = named.length > 0 ? named : tokens.filter(store.isReturnAddress).slice(0, 1);
      if (known.length === 0) return undefined;
      const encrypted = isEncrypted(await readable(parse, raw), base64);
      return { kind: 'reply', tokens: known, content: replyContent(raw), isEncrypted: encrypted, by };
    }
    case 'report':
      return { kind: 'report', bounces: bouncesIn((await readable(parse, raw))?.parts ?? [], raw) };
    case 'automatic':
      tally.add('automatic');
      return undefined;
    case 'other':
      return undefined;
    default:
      return unreachable(incoming);
  }
};

type Reply = Extract<Letter, { kind: 'reply' }>;

/** Why a reply can't go to a return address. */
interface Refusal {
  readonly token: string;
  readonly reason: NoticeReason;
  /** How large it may be there. */
  readonly roomBytes: number;
}

/** Carries a reply for one return address, once. @returns why it can't be, if so */
const carryFor = (
  deps: LetterDeps,
  { content, isEncrypted: encrypted }: Reply,
  token: string,
  moment: Moment,
): Refusal | undefined => {
  const { store, tally, clearReplies } = deps;
  const seen = `reply ${toHex(sha256(content))}`;
  if (store.isMarked(token, seen)) return undefined;
  const blocks = usableBlocks(deps, token, moment);
  const reason = objectionTo(content, blocks) ?? (encrypted || clearReplies === 'carry' ? undefined : 'not-encrypted');
  if (reason !== undefined) {
    tally.add(`reply/${reason}`);
    return { token, reason, roomBytes: blocks.length * pieceDataBytes };
  }
  store.mark(token, seen);
  carry(deps, content, blocks, moment.now);
  return undefined;
};

/**
 * Carries a reply to all it is for, or tells its writer that it can't be: in one mail, and once for each reason, so that
 * nobody can make the exit write to them again and again.
 *
 * @returns whether the mail is dealt with; it is not when there is nobody to tell
 */
const takeReply = (deps: LetterDeps, reply: Reply, moment: Moment): boolean => {
  const { store, tally, rng, from } = deps;
  const { by } = reply;
  const { now } = moment;
  const refusals = reply.tokens.flatMap((token) => carryFor(deps, reply, token, moment) ?? []);
  if (by.from === undefined) return refusals.length === 0;
  const untold = refusals.filter(({ token, reason }) => !store.isMarked(token, `notice ${reason}`));
  for (const { token, reason } of untold) store.mark(token, `notice ${reason}`);
  const [first] = untold;
  if (first === undefined) return true;
  const { reason, roomBytes } = first;
  const notice = { from, to: by.from, reason, inReplyTo: by.messageId, roomBytes, id: toHex(rng(16)), now };
  store.addOutgoing({ kind: 'notice', to: by.from, raw: composeNotice(notice) }, now);
  tally.add('notice');
  return true;
};

/** Does what a letter asks for, in one transaction. @returns whether it is dealt with, so that its mail can go */
export const takeLetter = (deps: LetterDeps, letter: Letter, moment: Moment): boolean =>
  deps.store.atomically(() =>
    letter.kind === 'reply'
      ? takeReply(deps, letter, moment)
      : letter.bounces.map((bounce) => settleBounce(deps, bounce, moment.now)).includes(true),
  );

/** Forgets what has had its time. In a transaction. */
export const forgetReturnAddresses = ({ store }: Pick<ReturnDeps, 'store'>, now: number): void =>
  store.forgetReturnAddresses(now, now - rememberReturnMs);
