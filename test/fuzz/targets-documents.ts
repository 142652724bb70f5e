import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { concat } from '../../src/base/bytes.js';
import { meanIntervalMs } from '../../src/route/schedule.js';
import { agree } from '../../src/council/agree.js';
import { documentsIn } from '../../src/council/documents.js';
import { applyDiff, endsOfDiff, makeDiff } from '../../src/council/diff.js';
import { readEndorsement } from '../../src/council/endorsement.js';
import { evidenceOf } from '../../src/council/evidence.js';
import { formatInvitation, parseInvitation } from '../../src/council/invitation.js';
import { readAnswer, readChallenge, readLeave } from '../../src/council/membership.js';
import { formatRequest, readRequest } from '../../src/council/request.js';
import { readReveal, signReveal } from '../../src/council/reveal.js';
import { readVote } from '../../src/council/vote.js';
import { acceptList } from '../../src/follow/accept.js';
import { readVouchedDescriptor } from '../../src/route/descriptor.js';
import { attachSignatures, canonicalLines, digestOf, publicKeyOf } from '../../src/route/document.js';
import { inspectNetwork, type Network, networkBody, readSignedNetwork } from '../../src/route/network.js';
import { RouteError } from '../../src/base/errors.js';
import { dayMs } from '../../src/base/units.js';
import { now, secretOf, signedNode } from '../route/nodes.js';
import { councilText, councilTexts } from './samples-mails.js';
import { bytesOf, mustEqual, mustHold, textOf, type Target, type TargetSpec } from './target.js';

const descriptorText = readFileSync('test/vectors/descriptor.txt', 'latin1');
const networkText = readFileSync('test/vectors/network.txt', 'latin1');
/** One authority is enough: each signature that is checked takes as long as all the rest. */
const trust = { authorities: [publicKeyOf(secretOf('ann'))], threshold: 1 };

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

const documentTarget = (
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
const scheduleLabel = ({ parameters }: Network): string =>
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

const list1 = councilText('list-1.txt');
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

/** Ed25519 by node:crypto, which signs faster than what it is for checks. */
const signersByKey = new Map(
  ['ann', 'ben', 'cyd', 'dan', 'alice', 'bob', 'carol', 'mallory'].map((name) => {
    const seed = secretOf(name);
    const der = concat(bytesOf('\x30\x2e\x02\x01\0\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20'), seed);
    const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    return [publicKeyOf(seed), (text: string) => new Uint8Array(sign(null, Buffer.from(text, 'latin1'), key))] as const;
  }),
);

/** The document with this body, signed by the key that it names, or by the first one. */
const signedDocument = (bodyText: string): string => {
  const lines = canonicalLines(bodyText);
  const kind = /^mixmailer-([a-z-]+) 1/.exec(lines[0] ?? '')?.[1] ?? 'vote';
  const body = `${lines.join('\n')}\n`;
  const named = lines.map((line) => /^by ([0-9a-f]{64})$/.exec(line)?.[1] ?? '').find((key) => signersByKey.has(key));
  const by = named ?? publicKeyOf(secretOf('ann'));
  const signature = signersByKey.get(by)?.(`MixMailer signed document 1\n${body}`) ?? new Uint8Array();
  return attachSignatures(kind, body, [{ by, signature }]);
};

/** All before the signatures, which stand behind the last document inside. */
const unsigned = (text: string): string => {
  const inside = text.lastIndexOf('end mixmailer-descriptor');
  return text.slice(0, text.indexOf('\nsignature ', Math.max(0, inside)) + 1);
};
const firstOf = (name: string): string => documentsIn(councilText(name))[0]?.text ?? '';

const kindsOfCouncil: Readonly<Record<string, (text: string) => { readonly text: string }>> = {
  reveal: (text) => {
    const { number, secret, seen } = readReveal(text);
    signReveal({ number, secret, seen }, secretOf('ann'));
    return { text };
  },
  endorsement: readEndorsement,
  challenge: readChallenge,
  answer: readAnswer,
  leave: readLeave,
};

/** Input: the body of a document, which is then signed as a malicious authority or node signs it. */
const council: TargetSpec = {
  name: 'council-signed',
  weight: 2,
  make: () =>
    documentTarget(
      ['reveals-1.txt', 'endorsement.txt', 'challenge.txt', 'answer.txt', 'leave.txt'].map((name) =>
        unsigned(firstOf(name)),
      ),
      8192,
      (bodyText) => {
        const kind = /^mixmailer-([a-z-]+) 1/.exec(bodyText.trimStart())?.[1] ?? '';
        const read = kindsOfCouncil[kind] ?? kindsOfCouncil['leave'];
        read?.(signedDocument(bodyText));
        return kind;
      },
    ),
};

const nodesByDigest = new Map(['alice', 'bob', 'carol'].map((name) => [digestOf(signedNode(name)), signedNode(name)]));
const otherVotes = documentsIn(councilText('votes-1.txt'))
  .slice(1)
  .map(({ text }) => readVote(text));
const reveals = documentsIn(councilText('reveals-1.txt')).map(({ text }) => readReveal(text));

/** A vote as a lying authority writes it, in a round with three others. */
const vote: TargetSpec = {
  name: 'vote-signed',
  weight: 1,
  make: () =>
    documentTarget([unsigned(firstOf('votes-1.txt')), unsigned(firstOf('votes-2.txt'))], 16_384, (bodyText) => {
      const read = readVote(signedDocument(bodyText));
      const agreement = agree({
        number: otherVotes[0]?.number ?? 0,
        periodMs: dayMs,
        authorities: otherVotes[0]?.authorities ?? [],
        votes: [read, ...otherVotes],
        reveals,
        excluded: new Set(),
        previous: undefined,
        descriptorOf: (digest) => nodesByDigest.get(digest),
      });
      // Takes two signatures, so not each time.
      if (bodyText.length % 8 === 0) evidenceOf(read.text, firstOf('votes-1.txt'));
      return `vote ${agreement.kind}`;
    }),
};

/** A list whose signatures fit, as more than half of the authorities could make it. */
const signedNetwork: TargetSpec = {
  name: 'network-signed',
  weight: 1,
  make: () =>
    documentTarget([unsigned(networkText), unsigned(list1)], 32_768, (bodyText) => {
      const text = signedDocument(bodyText);
      const read = readSignedNetwork(text, trust);
      const { validFrom, validUntil, parameters, consensus, standings, nodes, previous } = read;
      networkBody({
        ...{ validFrom, validUntil, parameters, standings, descriptors: nodes.map((node) => node.text) },
        ...(consensus === undefined ? {} : { consensus }),
        ...(previous === undefined ? {} : { previous }),
      });
      return scheduleLabel(read);
    }),
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
  ...[descriptor, network, accepted, found, council, vote, signedNetwork],
  ...[diff, madeDiff, request, invitation],
];
