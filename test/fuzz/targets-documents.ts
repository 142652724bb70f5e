import { readFileSync } from 'node:fs';
import { meanIntervalMs } from '../../src/route/schedule.js';
import { documentsIn } from '../../src/council/documents.js';
import { applyDiff, endsOfDiff, makeDiff } from '../../src/council/diff.js';
import { formatInvitation, parseInvitation } from '../../src/council/invitation.js';
import { formatRequest, readRequest } from '../../src/council/request.js';
import { acceptList } from '../../src/follow/accept.js';
import { readVouchedDescriptor } from '../../src/route/descriptor.js';
import { canonicalLines, publicKeyOf } from '../../src/route/document.js';
import { type Network, readSignedNetwork } from '../../src/route/network.js';
import { dayMs } from '../../src/base/units.js';
import { now, secretOf } from '../route/nodes.js';
import { councilText, councilTexts } from './samples-mails.js';
import { bytesOf, mustEqual, mustHold, textOf, type Target, type TargetSpec } from './target.js';

const descriptorText = readFileSync('test/vectors/descriptor.txt', 'latin1');
export const networkText = readFileSync('test/vectors/network.txt', 'latin1');
/** One authority is enough: each signature that is checked takes as long as all the rest. */
export const trust = { authorities: [publicKeyOf(secretOf('ann'))], threshold: 1 };

const documentTokens = [
  ...[
    '\n',
    ' ',
    'data ',
    'data QUJD\n',
    'signature ',
    'end mixmailer-',
    'mixmailer-descriptor 1\n',
    'mixmailer-network 1\n',
    'end ',
  ],
  ...[
    'node ',
    'name ',
    'address ',
    'provider ',
    'role mix\n',
    'role exit\n',
    'published ',
    'software ',
    'capacity 100 20\n',
    'load 1 1\n',
  ],
  ...[
    'mix-key ',
    'valid-from ',
    'valid-until ',
    'previous ',
    'path-length ',
    'mix-schedule ',
    'pool-minimum ',
    'pool-rate 0.5',
    'topology layers ',
  ],
  ...[
    'mix-strategy poisson 60\n',
    'mix-strategy threshold 5\n',
    'most-per-operator ',
    'number ',
    'period ',
    'randomness ',
    'authority ',
    'history ',
  ],
  ...[
    'standing ',
    ' leaving',
    'member ',
    'commit ',
    'reveal ',
    'seen ',
    'have ',
    'nonce ',
    'digest ',
    'list-signature\n',
    'by ',
    'from ',
    'to ',
    '+',
    '=',
  ],
  ...[
    '2026-11-22T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '2026-02-30T00:00:00Z',
    '999999999',
    '0'.repeat(64),
    'f'.repeat(64),
    'x@y.example',
  ],
];

export const documentTarget = (
  samples: readonly string[],
  longestBytes: number,
  run: (text: string) => string,
): Omit<Target, 'name'> => ({
  samples: samples.map(bytesOf),
  tokens: documentTokens,
  longestBytes,
  errors: ['RouteError'],
  run: (input) => run(textOf(input)),
});

/** A schedule of a list tells its mean, or it doesn't; it never takes long. */
export const scheduleLabel = ({ parameters }: Network): string =>
  meanIntervalMs(parameters.mixSchedule) === undefined ? 'network without ticks' : 'network';

const descriptor: TargetSpec = {
  name: 'descriptor',
  weight: 4,
  make: () =>
    documentTarget(
      [descriptorText, ...documentsIn(councilText('descriptors-2.txt')).map(({ text }) => text)],
      33_000,
      (text) => {
        const read = readVouchedDescriptor(text);
        mustHold(readVouchedDescriptor(read.text).text === read.text, 'the canonical form of it is itself');
        return 'descriptor';
      },
    ),
};

const network: TargetSpec = {
  name: 'network',
  weight: 2,
  make: () =>
    documentTarget([networkText, councilText('list-1.txt')], 40_000, (text) =>
      scheduleLabel(readSignedNetwork(text, trust)),
    ),
};

export const list1 = councilText('list-1.txt');
const noLists = { consensuses: () => [], consensusText: () => undefined, pastDigest: () => undefined };

/** A list that anybody may hand to a client or node. */
const accepted: TargetSpec = {
  name: 'accept-list',
  weight: 2,
  make: () =>
    documentTarget([list1, councilText('list-2.txt')], 40_000, (text) => {
      const acceptance = acceptList(text, { store: noLists, trust, periodMs: dayMs }, now);
      return acceptance.kind === 'refused' ? acceptance.error.code : acceptance.kind;
    }),
};

const found: TargetSpec = {
  name: 'documents-in',
  weight: 20,
  make: () =>
    documentTarget(
      [...councilTexts.values()].map((text) => text.slice(0, 8000)),
      16_384,
      (text) => {
        const all = documentsIn(text);
        const again = documentsIn(all.map((one) => one.text).join(''));
        mustHold(
          again.length === all.length && again.every((one, i) => one.text === all[i]?.text),
          'what was found is found again',
        );
        return all.length === 0 ? 'none' : all.length === 1 ? 'one' : 'several';
      },
    ),
};

const diff: TargetSpec = {
  name: 'diff',
  weight: 4,
  make: () => {
    const list2 = councilText('list-2.txt');
    return documentTarget([councilText('diff.txt'), makeDiff(list1, list1)], 16_384, (text) => {
      endsOfDiff(text);
      const made = applyDiff(list1, text, 40_000);
      mustHold(made.length <= 40_000, 'a difference leads to no more than is allowed');
      return made === list2 || made === list1 ? 'list' : 'another list';
    });
  },
};

const madeDiff: TargetSpec = {
  name: 'make-diff',
  weight: 2,
  make: () =>
    documentTarget([councilText('list-2.txt')], 32_768, (text) => {
      const made = makeDiff(list1, text);
      mustEqual(
        bytesOf(applyDiff(list1, made, 100_000)),
        bytesOf(`${canonicalLines(text).join('\n')}\n`),
        'a difference leads to the list it was made for',
      );
      return 'list';
    }),
};

const request: TargetSpec = {
  name: 'request',
  weight: 60,
  make: () =>
    documentTarget([councilText('request.txt'), formatRequest({ have: undefined })], 5000, (text) => {
      const { have } = readRequest(text);
      mustHold(readRequest(formatRequest({ have })).have === have, 'a request that was read is written alike');
      return have === undefined ? 'has none' : 'has one';
    }),
};

const invitation: TargetSpec = {
  name: 'invitation',
  weight: 10,
  make: () => ({
    samples: [bytesOf(councilText('invitation.txt'))],
    tokens: [
      'mixmailer:',
      '/',
      ',',
      '?',
      '&',
      'period=',
      'url=https://',
      'url=https://a.example/%41',
      '%',
      '%2f',
      '%ff',
      '%00',
      '@',
      '\n',
    ],
    longestBytes: 34_000,
    errors: ['RouteError'],
    run: (input) => {
      const read = parseInvitation(textOf(input));
      const again = parseInvitation(formatInvitation(read));
      mustHold(JSON.stringify(again) === JSON.stringify(read), 'an invitation that was read is written alike');
      return 'invitation';
    },
  }),
};

export const documentTargets: readonly TargetSpec[] = [
  ...[descriptor, network, accepted, found],
  ...[diff, madeDiff, request, invitation],
];
