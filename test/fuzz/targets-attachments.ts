import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { subjectHas } from '../../src/adapters/imap-mails.js';
import { pureBase64 } from '../../src/base/base64.js';
import { concat, latin1 } from '../../src/base/bytes.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import { directorySubject, isDirectoryMail, sliceDirectoryMail } from '../../src/carrier/directory-mail.js';
import { documentsIn } from '../../src/council/documents.js';
import { carrierMails, directoryMails } from './samples-mails.js';
import { bytesOf, mustEqual, mustHold, type TargetSpec } from './target.js';

const carrier: TargetSpec = {
  name: 'carrier-mail',
  weight: 2,
  make: () => ({
    samples: carrierMails,
    tokens: ['\r\n', '\n', '--=_', '=', 'Content-Type: multipart/mixed; boundary=', 'packets.bin'],
    longestBytes: 60_000,
    errors: [],
    run: (input) => {
      const pure = sliceCarrierMail(input, pureBase64);
      const fast = sliceCarrierMail(input, nodeBase64);
      mustHold(pure?.length === fast?.length, 'both base64 decoders find the same packets');
      mustEqual(pure && concat(...pure), fast && concat(...fast), 'both base64 decoders find the same packets');
      return pure === undefined ? 'none' : 'packets';
    },
  }),
};

const directoryMail: TargetSpec = {
  name: 'directory-mail',
  weight: 8,
  make: () => ({
    samples: directoryMails,
    tokens: ['\r\n', '\n', '--=_', '=', 'Content-Type: multipart/mixed; boundary=', 'directory.bin', 'QUJD'],
    longestBytes: 32_768,
    errors: [],
    run: (input) => {
      const mostBytes = 10_000;
      const text = sliceDirectoryMail(input, nodeBase64, { compression: nodeCompression, mostBytes });
      mustHold((text !== undefined) === isDirectoryMail(input, pureBase64), 'a directory mail is one for all who ask');
      if (text === undefined) return 'none';
      mustHold(text.length <= mostBytes, 'no more comes out than is allowed');
      return documentsIn(text).length > 0 ? 'documents' : 'nothing in it';
    },
  }),
};

/** Input: compressed bytes. */
const inflated: TargetSpec = {
  name: 'inflate',
  weight: 20,
  make: () => ({
    samples: ['', 'hello', 'mixmailer-request 1\nend mixmailer-request\n', 'a'.repeat(5000)].map((text) =>
      nodeCompression.deflate(bytesOf(text)),
    ),
    tokens: ['\x03\0', '\x01\0\0\xff\xff', '\x4b\x04\0'],
    longestBytes: 4096,
    errors: [],
    run: (input) => {
      const bytes = nodeCompression.inflate(input, 8192);
      const begins = nodeCompression.begins(input, bytesOf('mixmailer-'));
      if (bytes === undefined) return begins ? 'a beginning' : 'none';
      mustHold(!begins || latin1(bytes.subarray(0, 10)) === 'mixmailer-', 'it begins as it was said to');
      mustHold(bytes.length <= 8192, 'no more comes out than is allowed');
      mustEqual(
        nodeCompression.inflate(nodeCompression.deflate(bytes), bytes.length),
        bytes,
        'what was deflated comes back',
      );
      return 'bytes';
    },
  }),
};

const subject: TargetSpec = {
  name: 'subject',
  weight: 4,
  make: () => ({
    samples: [
      'Subject: MixMailer directory\r\n\r\n',
      'Subject: =?utf-8?B?TWl4TWFpbGVy?=\r\n =?utf-8?q?_directory?=\r\n\r\n',
      '',
    ].map(bytesOf),
    tokens: [
      '=?',
      '?=',
      '=?utf-8?q?',
      '=?iso-2022-jp?B?',
      '=?utf-7?Q?',
      '?B?',
      '\r\n ',
      'MixMailer directory',
      '=20',
      '_',
      '*',
    ],
    longestBytes: 8192,
    errors: [],
    run: async (input) => ((await subjectHas(input, directorySubject)) ? 'has it' : 'has it not'),
  }),
};

export const attachmentTargets: readonly TargetSpec[] = [carrier, directoryMail, inflated, subject];
