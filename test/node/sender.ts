import { expect } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { ascii, concat, toHex } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import type { MessageId } from '../../src/base/ids.js';
import { dayMs } from '../../src/base/units.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import { encodeMessage } from '../../src/message/envelope.js';
import type { ReturnAddress } from '../../src/message/envelope.js';
import { deliveredMessageId, deliveryToken } from '../../src/message/delivery.js';
import { cutFragments, encodeExitPayload, exitPayloads } from '../../src/message/fragment.js';
import { readHead } from '../../src/message/head.js';
import { sealable } from '../../src/message/hygiene.js';
import { decodeReceipt, receiptKind } from '../../src/message/receipt.js';
import type { Receipt } from '../../src/message/receipt.js';
import { joinPieces, readPiece } from '../../src/message/reply.js';
import type { ReplyPiece } from '../../src/message/reply.js';
import { hopOf } from '../../src/route/hop.js';
import { readMailboxPacket } from '../../src/sphinx/mailbox.js';
import { createSurb, openSurb } from '../../src/sphinx/surb.js';
import type { FakeNetwork, FakeNode, Wrap } from '../fakes/network.js';
import { addressOfBob, carrierTo, packetOver } from './packets.js';

const crypto = chooseCrypto();

/** The first node: exit of what is sent here. The others are on the paths of reply blocks. */
export const exitOf = ({ nodes }: FakeNetwork): FakeNode => nodes[0] ?? expect.fail('no node');

/** The encoded message of a mail as a mail program hands it in. */
export const messageOf = async (
  letter: Uint8Array,
  recipient: string,
  returnAddress?: ReturnAddress,
): Promise<Uint8Array> => {
  const sealed = sealable(await parseMail(letter), 'hide', nodeBase64);
  return encodeMessage({ recipient, ...sealed, ...(returnAddress && { returnAddress }) });
};

/** Lets the nodes take turns, with 12 minutes between. */
export const nodeTurns = async ({ nodes, passMs }: FakeNetwork, rounds: number, wrap?: Wrap): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    for (const node of nodes) await node.turn(wrap);
    passMs(12 * 60_000);
  }
};

/** What came back over a reply block, and which in the order they were made. */
export type Answer =
  | { readonly kind: 'receipt'; readonly block: number; readonly receipt: Receipt }
  | { readonly kind: 'piece'; readonly block: number; readonly piece: ReplyPiece };

/** Somebody who makes reply blocks over other nodes, sends to the exit, and reads the own mailbox by hand. */
export interface Sender {
  readonly address: string;
  /** A fresh reply block over the nodes behind the exit. */
  readonly block: () => Uint8Array;
  readonly returnAddress: (blocks: number, livesMs?: number) => ReturnAddress;
  /** Brings a message to the exit, all of its fragments or `only` those (`[]`: none), with reply blocks. */
  readonly send: (
    message: Uint8Array,
    blocks?: readonly Uint8Array[],
    options?: { readonly id?: MessageId; readonly only?: readonly number[] },
  ) => MessageId;
  /** All that has come back so far. */
  readonly answers: () => readonly Answer[];
  /** The receipts among it. */
  readonly receipts: () => readonly Receipt[];
  /** The whole replies among it; pieces of others count for nothing. */
  readonly replies: () => readonly Uint8Array[];
}

export const senderIn = (
  network: FakeNetwork,
  address = 'anna@home.test',
  exit: FakeNode = exitOf(network),
): Sender => {
  const { world, rng, now } = network;
  const { mailbox } = world.account(address);
  const openers = new Map<string, { readonly block: number; readonly opener: Uint8Array }>();

  const block: Sender['block'] = () => {
    const others = network.nodes.filter((node) => node !== exit);
    const hops = others.slice(0, 3).map(({ nodeId }) => {
      const node = network.network.byId.get(nodeId);
      return hopOf(node ?? expect.fail('no such node'), now());
    });
    const surbId = rng(16);
    const { surb, opener } = createSurb(crypto, { hops, surbId, address, rng });
    openers.set(toHex(surbId), { block: openers.size, opener });
    return surb;
  };

  const answers: Sender['answers'] = () =>
    mailbox
      .raws()
      .flatMap((raw) => sliceCarrierMail(raw, nodeBase64) ?? [])
      .flatMap((packet): Answer[] => {
        const { surbId, payload } = readMailboxPacket(packet);
        const known = openers.get(toHex(surbId));
        if (known === undefined) return [];
        const opened = openSurb(crypto, known.opener, payload);
        return opened[0] === receiptKind
          ? [{ kind: 'receipt', block: known.block, receipt: decodeReceipt(opened) }]
          : [{ kind: 'piece', block: known.block, piece: readPiece(opened) }];
      });

  return {
    address,
    block,
    returnAddress: (blocks, livesMs = 10 * dayMs) => ({
      expiresAt: now() + livesMs,
      blocks: Array.from({ length: blocks }, block),
    }),
    send: (message, blocks = [], { id = messageIdOf(rng(16)), only } = {}) => {
      const fragments = cutFragments(message, id);
      const sent = fragments.filter(({ index }) => only?.includes(index) ?? true);
      const blocksAlone = { messageId: id, count: fragments.length, fragment: undefined, blocks };
      const payloads = (sent.length === 0 ? [blocksAlone] : exitPayloads(sent, blocks)).map(encodeExitPayload);
      for (let at = 0; at < payloads.length; at += 64) {
        const packets = payloads.slice(at, at + 64).map((payload) => packetOver(network, [exit], payload));
        exit.account.mailbox.put(carrierTo(network, exit, packets));
      }
      return id;
    },
    answers,
    receipts: () => answers().flatMap((one) => (one.kind === 'receipt' ? [one.receipt] : [])),
    replies: () => {
      const byReply = new Map<string, Map<number, ReplyPiece>>();
      for (const one of answers()) {
        if (one.kind !== 'piece') continue;
        const id = toHex(one.piece.replyId);
        const pieces = byReply.get(id) ?? new Map<number, ReplyPiece>();
        byReply.set(id, pieces.set(one.piece.index, one.piece));
      }
      const whole = [...byReply.values()].filter((pieces) => pieces.size === [...pieces.values()][0]?.count);
      return whole.map((pieces) => joinPieces([...pieces.values()]));
    },
  };
};

/** A mail with these header fields. */
export const mailWith = (fields: Readonly<Record<string, string>>, body: Uint8Array | string): Uint8Array =>
  concat(
    ascii(
      Object.entries(fields)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join(''),
    ),
    ascii('\r\n'),
    typeof body === 'string' ? ascii(body) : body,
  );

/** An encrypted mail of Bob's with these header fields, and the body of that letter. */
export const answerWith = (fields: Readonly<Record<string, string>>, letter: Uint8Array): Uint8Array => {
  const { fields: own, bodyAt } = readHead(letter);
  const content = own.filter(({ name }) => /^(?:content-|mime-version)/.test(name)).map(({ raw }) => raw);
  const head = mailWith({ From: `Bob <${addressOfBob}>`, Subject: 'Re: ...', ...fields }, '');
  return concat(head.subarray(0, head.length - 2), ...content, ascii('\r\n'), letter.subarray(bodyAt));
};

/** A notification as mail servers write it, about the mail of that message. */
export const notification = (
  id: MessageId,
  { envelopeId = '', action = 'failed', status = '5.1.1' } = {},
): Uint8Array =>
  concat(
    ...[
      'Return-Path: <>',
      'From: MAILER-DAEMON@friend.test',
      'To: node@mix1.test',
      'Auto-Submitted: auto-replied',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=delivery-status; boundary=d',
      '',
      '--d',
      'Content-Type: message/delivery-status',
      '',
      'Reporting-MTA: dns; mail.friend.test',
      ...(envelopeId === '' ? [] : [`Original-Envelope-Id: ${envelopeId}`]),
      '',
      `Action: ${action}`,
      `Status: ${status}`,
      '--d',
      'Content-Type: text/rfc822-headers',
      '',
      `Message-ID: ${deliveredMessageId(deliveryToken(id))}`,
      '--d--',
    ].map((line) => ascii(`${line}\r\n`)),
  );
