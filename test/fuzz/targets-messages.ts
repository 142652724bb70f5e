import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { pureBase64 } from '../../src/base/base64.js';
import { ascii, concat, fromHex } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { armor, dearmor } from '../../src/message/armor.js';
import { checkDeliverable, composeDelivery } from '../../src/message/delivery.js';
import { decodeMessage, encodeMessage } from '../../src/message/envelope.js';
import { decodeExitPayload, encodeExitPayload, fragmentPayloadBytes } from '../../src/message/fragment.js';
import { canonicalOpenPgp, readEncrypted } from '../../src/message/openpgp.js';
import { readOwnKeys } from '../../src/message/own-keys.js';
import { decideBlocks, decideFragment, type StoredMessage } from '../../src/message/reassembly.js';
import { decodeReceipt, encodeReceipt } from '../../src/message/receipt.js';
import { cutReply, joinPieces, readPiece } from '../../src/message/reply.js';
import { composeReport } from '../../src/message/report.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { exitPayloads, messages, openPgpMessages, receipts, replyPieces } from './samples-messages.js';
import { bytesOf, fitted, mustEqual, mustHold, textOf, type TargetSpec } from './target.js';

const now = 1_795_305_600_000;
const binaryTokens = [
  '\x01',
  '\x02',
  '\x04',
  '\x06',
  '\x08',
  '\x0a',
  '\0\0\0\x01',
  '\xff\xff\xff\xff',
  'bob@friend.example',
];

/** Lines of at most 998 ASCII characters, ended by CRLF: what every server takes. */
export const mustBeMail = (mail: Uint8Array): void => {
  const text = textOf(mail);
  mustHold(/^[\t\r\n\x20-\x7e]*$/.test(text) && text.endsWith('\r\n'), 'a mail of ours is lines of ASCII');
  mustHold(
    text.split('\r\n').every((line) => line.length <= 998 && !/[\r\n]/.test(line)),
    'lines of a mail of ours are short',
  );
};

const envelope: TargetSpec = {
  name: 'envelope',
  weight: 15,
  make: () => ({
    samples: messages,
    tokens: binaryTokens,
    longestBytes: 20_000,
    errors: ['PacketError'],
    run: (input) => {
      const message = decodeMessage(input);
      const again = encodeMessage(message);
      mustEqual(encodeMessage(decodeMessage(again)), again, 'a message that was read is written alike');
      const checked = checkDeliverable(message);
      const mail = composeDelivery(
        { from: 'mix@exit.example', message: checked, messageId: messageIdOf(new Uint8Array(16)), now },
        nodeBase64,
      );
      mustBeMail(mail);
      mustHold(textOf(mail).split('\r\n\r\n')[0]?.match(/^To: /gm)?.length === 1, 'a delivery has one recipient');
      return message.returnAddress === undefined ? message.form : 'with return address';
    },
  }),
};

const exitPayload: TargetSpec = {
  name: 'exit-payload',
  weight: 6,
  make: () => ({
    samples: exitPayloads,
    tokens: binaryTokens,
    longestBytes: fragmentPayloadBytes,
    errors: ['PacketError'],
    run: (input) => {
      const payload = fitted(input, fragmentPayloadBytes);
      const read = decodeExitPayload(payload);
      mustEqual(encodeExitPayload(read), payload, 'one payload has one encoding');
      const { fragment, count, messageId } = read;
      const bounds = { maxMessageBytes: 100_000, maxOpenMessages: 10, maxFragments: 10, expiryMs: 1 };
      const stored: StoredMessage = { kind: 'open', count: 3, indexes: [0, 1] };
      const decision =
        fragment === undefined
          ? decideBlocks(count, stored, 3, bounds)
          : decideFragment({ messageId, count, ...fragment }, stored, 3, bounds);
      return decision.kind === 'drop' ? decision.reason : decision.kind;
    },
  }),
};

const sealedFrom = 'alice@home.example';
const messageId = messageIdOf(fromHex('09'.repeat(16)) ?? new Uint8Array());

const receipt: TargetSpec = {
  name: 'receipt',
  weight: 25,
  make: () => ({
    samples: receipts,
    tokens: binaryTokens,
    longestBytes: 256,
    errors: ['PacketError'],
    run: (input) => {
      const read = decodeReceipt(input);
      mustEqual(fitted(encodeReceipt(read), input.length), input, 'one receipt has one encoding');
      if (read.kind === 'incomplete') return read.kind;
      const report = {
        to: sealedFrom,
        messageId,
        ending: read,
        recipient: undefined,
        originalMessageId: '<a@b>',
        submittedAt: now,
        now,
      };
      mustBeMail(composeReport(report));
      return read.kind;
    },
  }),
};

const replyPiece: TargetSpec = {
  name: 'reply-piece',
  weight: 8,
  make: () => ({
    samples: replyPieces,
    tokens: binaryTokens,
    longestBytes: geometry.userPayloadBytes,
    errors: ['PacketError'],
    run: (input) => {
      const piece = readPiece(fitted(input, geometry.userPayloadBytes));
      if (piece.count > 1) return 'one of several';
      const whole = joinPieces([piece]);
      mustEqual(cutReply(whole, piece.replyId)[0], fitted(input, 21 + whole.length), 'one piece has one encoding');
      return 'whole';
    },
  }),
};

const openPgp: TargetSpec = {
  name: 'openpgp',
  weight: 120,
  make: () => ({
    samples: openPgpMessages,
    tokens: [
      '\xc1',
      '\xc3',
      '\xd2',
      '\xd5',
      '\xca\x03PGP',
      '\x85',
      '\x8c',
      '\xa8',
      '\xe9',
      '\xe0',
      '\xf0',
      '\xfe',
      '\xff',
      '\x03',
      '\x06',
    ],
    longestBytes: 8192,
    errors: [],
    run: (input) => {
      const read = readEncrypted(input);
      if (read.kind === 'refused') return read.reason;
      for (const keyIds of ['keep', 'hide'] as const) {
        const canonical = canonicalOpenPgp(read, keyIds);
        const again = readEncrypted(canonical);
        if (again.kind === 'refused') mustHold(false, `the canonical form is none: ${again.reason}`);
        else mustEqual(canonicalOpenPgp(again, keyIds), canonical, 'the canonical form of it is itself');
      }
      return 'encrypted';
    },
  }),
};

const pgpText = (binary: Uint8Array, before = '', after = ''): Uint8Array =>
  concat(ascii(before), armor(binary, pureBase64), ascii(after));

const armorTarget: TargetSpec = {
  name: 'armor',
  weight: 15,
  make: () => ({
    samples: [
      ...openPgpMessages.map((binary) => pgpText(binary)),
      pgpText(openPgpMessages[0] ?? new Uint8Array(), 'Hello,\r\n', 'Bye\r\n'),
      bytesOf(
        textOf(pgpText(openPgpMessages[1] ?? new Uint8Array())).replace('\r\n\r\n', '\nVersion: 1\nComment: x\n\n'),
      ),
    ],
    tokens: [
      '-----BEGIN PGP MESSAGE-----',
      '-----END PGP MESSAGE-----',
      '=abcd',
      '\n=',
      'Version: 1',
      'Hash: SHA256',
      '====',
      'AAAA',
    ],
    longestBytes: 16_384,
    errors: [],
    run: (input) => {
      const found = dearmor(input, pureBase64);
      const fast = dearmor(input, nodeBase64);
      mustEqual(found?.binary, fast?.binary, 'both base64 decoders read alike');
      if (found === undefined) return 'none';
      mustEqual(dearmor(armor(found.binary, pureBase64), nodeBase64)?.binary, found.binary, 'armor comes off again');
      return found.textOutside ? 'text outside' : 'armored';
    },
  }),
};

/** A key of version 4 with a subkey, a name and a signature, as far as their names go by it. */
const ownKeyPackets = concat(
  Uint8Array.of(0x98, 12, 4, 0, 0, 0, 1, 22, 1, 2, 3, 4, 5, 6),
  Uint8Array.of(0xb4, 3, 97, 64, 98),
  Uint8Array.of(0x88, 4, 4, 0x13, 22, 8),
  Uint8Array.of(0xce, 12, 6, 0, 0, 0, 1, 25, 0, 0, 0, 1, 9, 9),
);

const ownKeys: TargetSpec = {
  name: 'own-keys',
  weight: 40,
  make: () => ({
    samples: [
      ownKeyPackets,
      ...['', 'Mine:\r\n'].map((before) =>
        concat(
          ascii(`${before}-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n\r\n`),
          pureBase64.encode(ownKeyPackets),
          ascii('\r\n-----END PGP PUBLIC KEY BLOCK-----\r\n'),
        ),
      ),
    ],
    tokens: [
      '-----BEGIN PGP PUBLIC KEY BLOCK-----\n',
      '-----END PGP PUBLIC KEY BLOCK-----\n',
      '-----BEGIN PGP PRIVATE KEY BLOCK-----\n',
      '\x98',
      '\xc5',
      '\xc6',
      '\xce',
      '\x04',
      '\x06',
    ],
    longestBytes: 8192,
    errors: [],
    run: (input) => {
      const read = readOwnKeys(input, pureBase64);
      if (read.kind === 'refused') return read.reason;
      for (const name of read.names)
        mustHold(/^(?:[0-9a-f]{16}|[0-9a-f]{40}|[0-9a-f]{64})$/.test(name), 'a key id or a fingerprint');
      return 'keys';
    },
  }),
};

const base64: TargetSpec = {
  name: 'base64',
  weight: 110,
  make: () => ({
    samples: ['', 'QQ==', 'QUI=', 'QUJD', 'QUJD\r\nQUJD', `${'QUJD'.repeat(19)}\r\n${'QUJD'.repeat(19)}\r\n`].map(
      bytesOf,
    ),
    tokens: ['=', '==', '-', '_', '\r\n', 'QQ==', '\x00', '\x80'],
    longestBytes: 4096,
    errors: [],
    run: (input) => {
      const pure = pureBase64.decode(input);
      mustEqual(nodeBase64.decode(input), pure, 'both base64 decoders read alike');
      if (pure === undefined) return 'none';
      mustEqual(nodeBase64.encode(pure), pureBase64.encode(pure), 'both write alike');
      return 'bytes';
    },
  }),
};

export const messageTargets: readonly TargetSpec[] = [
  envelope,
  exitPayload,
  receipt,
  replyPiece,
  openPgp,
  armorTarget,
  ownKeys,
  base64,
];
