import { createPrivateKey, sign } from 'node:crypto';
import { concat } from '../../src/base/bytes.js';
import { agree } from '../../src/council/agree.js';
import { documentsIn } from '../../src/council/documents.js';
import { readEndorsement } from '../../src/council/endorsement.js';
import { evidenceOf } from '../../src/council/evidence.js';
import { readAnswer, readChallenge, readLeave } from '../../src/council/membership.js';
import { readReveal, signReveal } from '../../src/council/reveal.js';
import { readVote } from '../../src/council/vote.js';
import { attachSignatures, canonicalLines, digestOf, publicKeyOf } from '../../src/route/document.js';
import { networkBody, readSignedNetwork } from '../../src/route/network.js';
import { dayMs } from '../../src/base/units.js';
import { secretOf, signedNode } from '../route/nodes.js';
import { councilText } from './samples-mails.js';
import { bytesOf, type TargetSpec } from './target.js';
import { documentTarget, list1, networkText, scheduleLabel, trust } from './targets-documents.js';

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

export const signedTargets: readonly TargetSpec[] = [council, vote, signedNetwork];
