import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { concat } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { streamRng } from '../../src/base/random.js';
import { documentsInParts } from '../../src/carrier/directory-mail.js';
import { packetsInParts } from '../../src/carrier/parts.js';
import { submitMail } from '../../src/client/submit.js';
import { untilDotLine } from '../../src/client/sendmail.js';
import { deliveredMessageId, isDelivery } from '../../src/message/delivery.js';
import { decodeMessage } from '../../src/message/envelope.js';
import { messageIdIn, readHead, valuesOf } from '../../src/message/head.js';
import { authorOf, bouncesIn, isAutomaticAnswer, readIncoming, replyContent } from '../../src/message/incoming.js';
import { sealable } from '../../src/message/hygiene.js';
import { composeNotice } from '../../src/message/notice.js';
import { receivedReply } from '../../src/message/received.js';
import { answers, bounces, directoryMails, letters, own, token, wrapped } from './samples-mails.js';
import { bytesOf, mustEqual, mustHold, textOf, type TargetSpec } from './target.js';
import { mustBeMail } from './targets-messages.js';

const now = 1_795_305_600_000;
const mailTokens = [
  ...[
    'From: ',
    'To: ',
    'Reply-To: ',
    'Message-ID: <a@b>',
    'In-Reply-To: ',
    'References: ',
    'Subject: =?utf-8?B?',
    '=?',
    '?=',
  ],
  ...[
    'Content-Type: ',
    'multipart/mixed',
    'multipart/report; report-type=delivery-status',
    'message/rfc822',
    'message/delivery-status',
  ],
  ...[
    'boundary=',
    'boundary="out"',
    '--out',
    '--out--',
    '--',
    'Content-Transfer-Encoding: base64',
    'quoted-printable',
    '=\r\n',
    '=3D',
  ],
  ...[
    'Auto-Submitted: auto-generated',
    'List-Id: ',
    'Precedence: bulk',
    '; charset=',
    '"',
    '\\"',
    '(',
    '((',
    ')',
    '<',
    '>',
    ':;',
    ',',
  ],
  ...[
    '\r\n ',
    '\r\n\t',
    'begin 644 a',
    'MixMailer-Reply: yes',
    'pEp-auto-consume: yes',
    `<${token}@mixmailer.invalid>`,
    'filename*0*=',
    'xn--',
  ],
];

const parsed: TargetSpec = {
  name: 'mime',
  weight: 1,
  make: () => ({
    samples: [...letters, ...answers, ...bounces, ...directoryMails.map(wrapped)],
    tokens: mailTokens,
    longestBytes: 32_768,
    errors: ['SubmissionError'],
    run: async (input) => {
      const { parts, contentType, recipients } = await parseMail(input);
      const bytes = parts.reduce((sum, { content }) => sum + content.length, 0);
      // A forwarded mail is taken apart from its content, so nothing is there twice; a line end may be added to a leaf.
      mustHold(bytes <= input.length + 2 * parts.length, 'what is taken apart does not grow');
      mustHold(
        parts.length <= 1000 && typeof contentType === 'string' && recipients.every((one) => typeof one === 'string'),
        'parts are few',
      );
      if (packetsInParts(parts).length > 0) return 'packets';
      if (documentsInParts(parts, { compression: nodeCompression, mostBytes: 100_000 }) !== undefined)
        return 'documents';
      if (bouncesIn(parts, input).length > 0) return 'bounce';
      return sealable({ contentType, parts }, 'hide', nodeBase64).form;
    },
  }),
};

/** What a client does with a mail that a program hands in, into a queue that keeps nothing. */
const submission: TargetSpec = {
  name: 'submission',
  weight: 1,
  make: () => ({
    samples: letters,
    tokens: mailTokens,
    longestBytes: 32_768,
    errors: ['SubmissionError'],
    run: async (input) => {
      let queued = new Uint8Array();
      await submitMail(
        {
          store: {
            atomically: (work) => work(),
            queueMessage: ({ message }) => {
              queued = message.slice();
              return messageIdOf(new Uint8Array(16));
            },
          },
          parse: parseMail,
          base64: nodeBase64,
          clock: { now: () => now },
          rng: streamRng(1),
          keyIds: 'hide',
          ownKeys: new Set(),
          replyBlocks: 2,
          mustReach: () => undefined,
        },
        { recipients: ['bob@friend.example'], raw: input },
      );
      return decodeMessage(queued).form;
    },
  }),
};

/** What a node reads off a mail before, or in place of, a parser. */
const head: TargetSpec = {
  name: 'head',
  weight: 6,
  make: () => ({
    samples: [...answers, ...letters, ...bounces],
    tokens: mailTokens,
    longestBytes: 32_768,
    errors: [],
    run: (input) => {
      const found = readHead(input);
      mustHold(
        found.bodyAt <= input.length && found.fields.every(({ raw }) => raw.length > 0),
        'a header is in its mail',
      );
      isAutomaticAnswer(found);
      const [author, id] = [authorOf(found), messageIdIn(found)];
      if (author !== undefined)
        mustBeMail(
          composeNotice({ from: own, to: author, reason: 'expired', inReplyTo: id, roomBytes: 9, id: token, now }),
        );
      const content = replyContent(input);
      mustEqual(replyContent(content), content, 'what is carried of a reply stays as it is');
      mustHold(untilDotLine(input).length <= input.length, 'a mail ends in itself');
      return `${readIncoming(found, own).kind}${isDelivery(input) ? ' delivery' : ''}`;
    },
  }),
};

/** A reply as it came through the network, from an exit that may lie. */
const received: TargetSpec = {
  name: 'received-reply',
  weight: 8,
  make: () => ({
    samples: [...answers, ...letters].map(replyContent),
    tokens: mailTokens,
    longestBytes: 16_384,
    errors: [],
    run: (input) => {
      const raw = receivedReply(input, { to: 'alice@home.example', token, originalMessageId: '<orig@home.example>' });
      const found = readHead(raw);
      mustHold(messageIdIn(found) !== undefined, 'a received reply has a Message-ID');
      mustHold(valuesOf(found, 'to').join() === '<alice@home.example>', 'a received reply is to the user');
      for (const name of ['in-reply-to', 'references', 'from', 'message-id'])
        mustHold(valuesOf(found, name).length <= 1, 'a received reply has each field once');
      const lines = textOf(raw.subarray(0, found.bodyAt)).split('\r\n');
      mustHold(
        lines.every((line) => line.length <= 998 && !/[\r\n\0]/.test(line)),
        'its header has short lines',
      );
      mustHold(!raw.includes(0), 'it has no NUL');
      return textOf(raw).includes(deliveredMessageId(token)) ? 'names the delivery' : 'reply';
    },
  }),
};

/** Input: the content of a message/delivery-status. */
const report: TargetSpec = {
  name: 'delivery-status',
  weight: 20,
  make: () => ({
    samples: [
      ...bounces.map((raw) =>
        bytesOf(
          /message\/delivery-status[\s\S]*?\r?\n\r?\n([\s\S]*?)\r?\n--/i.exec(textOf(raw))?.[1] ?? 'Action: failed',
        ),
      ),
      bytesOf(
        `Original-Envelope-Id: ${token}\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no\r\n`,
      ),
    ],
    tokens: [
      'Action: failed',
      'Status: 5.1.1',
      'Status: 4.',
      'Diagnostic-Code: smtp; 550 5.',
      '\r\n\r\n',
      'Original-Envelope-Id: ',
      token,
      '+41',
      '+',
      `<${token}@mixmailer.invalid>`,
    ],
    longestBytes: 32_768,
    errors: [],
    run: (input) => {
      const [bounce, ...more] = bouncesIn(
        [{ contentType: 'message/delivery-status', content: input }],
        concat(input, bytesOf('\r\n')),
      );
      mustHold(more.length === 0, 'one report tells of one mail');
      if (bounce === undefined) return 'none';
      mustHold(/^[0-9a-f]{32}$/.test(bounce.token), 'a token is 32 hex digits');
      mustHold(
        [4, 5].includes(bounce.status[0]) && bounce.status.every((n) => Number.isInteger(n) && n >= 0 && n <= 999),
        'a status is three numbers',
      );
      return 'bounce';
    },
  }),
};

export const mailTargets: readonly TargetSpec[] = [parsed, submission, head, received, report];
