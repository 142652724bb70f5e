import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteError } from '../../src/base/errors.js';
import { dayMs, secondMs } from '../../src/base/units.js';
import { documentsIn, namedSigner, signOwn } from '../../src/council/documents.js';
import {
  listOf,
  countEndorsements,
  endorsersOf,
  isEndorsedBy,
  readEndorsement,
  signEndorsement,
} from '../../src/council/endorsement.js';
import {
  readAnswer,
  readChallenge,
  readLeave,
  signAnswer,
  signChallenge,
  signLeave,
} from '../../src/council/membership.js';
import { formatRequest, readRequest } from '../../src/council/request.js';
import { readReveal, signReveal } from '../../src/council/reveal.js';
import { largestVoteCharacters, readVote, signVote, type VoteDraft } from '../../src/council/vote.js';
import { digestOf, signDocument } from '../../src/route/document.js';
import { readNetwork } from '../../src/route/network.js';
import { cpuTimer } from '../cpu-time.js';
import { now, secretOf, signedNode } from '../route/nodes.js';
import { agreed, authoritiesOf, ballotOf, four, heard, idOf, keyOf, memberOf, today, trustOf } from './council.js';

const ann = secretOf('ann');
const nonce = digestOf('nonce');
const draft: VoteDraft = {
  number: today,
  periodMs: dayMs,
  previous: digestOf('yesterday'),
  history: [
    { number: today - 1, digest: digestOf('yesterday') },
    { number: today - 3, digest: digestOf('before') },
  ],
  commit: digestOf('commit'),
  parameters: {
    pathLength: 3,
    mixSchedule: '*/12 * * * *',
    strategy: { kind: 'pool', minimum: 2, rate: 0.9 },
    topology: { kind: 'layers', successors: [3, 3, 2] },
    mostPerOperator: 3,
  },
  authorities: authoritiesOf(four),
  members: [
    memberOf(signedNode('alice'), { deliveredPerMille: 987, medianMs: 40 * 60_000, p90Ms: 7_200_000 }),
    memberOf(signedNode('bob'), { leaving: true }),
  ],
};
const seen = new Map([
  [keyOf('ann'), digestOf('a')],
  [keyOf('ben'), digestOf('b')],
]);
const body = 'mixmailer-network 1\nnumber 7\n';

/** Each kind of document: one of it, what is read of it, and what it is to say. */
const documents = {
  vote: { text: signVote(draft, ann), read: readVote, says: { authority: keyOf('ann'), ...draft } },
  reveal: {
    text: signReveal({ number: today, secret: nonce, seen }, ann),
    read: readReveal,
    says: { authority: keyOf('ann'), number: today, secret: nonce, seen },
  },
  endorsement: {
    text: signEndorsement({ number: 7, body }, ann),
    read: readEndorsement,
    says: { authority: keyOf('ann'), number: 7, digest: digestOf(body) },
  },
  challenge: {
    text: signChallenge({ nodeId: idOf('alice'), address: 'Mix@alice.example', nonce }, ann),
    read: readChallenge,
    says: { authority: keyOf('ann'), nodeId: idOf('alice'), address: 'Mix@alice.example', nonce },
  },
  answer: {
    text: signAnswer({ authority: keyOf('ann'), nonce }, secretOf('alice')),
    read: readAnswer,
    says: { nodeId: idOf('alice'), authority: keyOf('ann'), nonce },
  },
  leave: {
    text: signLeave({ publishedAt: now }, secretOf('alice')),
    read: readLeave,
    says: { nodeId: idOf('alice'), publishedAt: now },
  },
} as const;
const signed = Object.entries(documents);

const codeOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof RouteError) return error.code;
    throw error;
  }
  return 'read';
};

const linesOf = (text: string): string[] => text.slice(0, text.indexOf('signature ')).trimEnd().split('\n');
/** The document with these lines instead, signed by who is named as its signer. */
const resigned = (text: string, change: (lines: string[]) => string[], by = ann): string => {
  const [first = '', ...lines] = linesOf(text);
  return signDocument(first.slice('mixmailer-'.length, -' 1'.length), change(lines), by);
};

describe.each(signed)('a %s', (kind, { text, read, says }) => {
  const signer = secretOf(kind === 'answer' || kind === 'leave' ? 'alice' : 'ann');

  it('says what was put into it, and its text is what was signed', () => {
    expect(read(text)).toMatchObject({ ...says, text });
  });

  it('survives what mail does to text', () => {
    expect(read(`Hello\r\n${text.replaceAll('\n', ' \r\n\r\n\t')}\r\n-- \r\nfooter`)).toEqual(read(text));
  });

  it('with one character changed is refused', () => {
    for (let at = text.indexOf('\n') + 1; at < text.length; at += 29) {
      const original = text[at] ?? '';
      if (original === '\n') continue;
      const changed = text.slice(0, at) + (original === 'A' ? 'B' : 'A') + text.slice(at + 1);
      expect(codeOf(() => read(changed))).toMatch(/^route\/bad-/);
    }
  });

  it('is signed by the key it names, once, and by no other', () => {
    expect(codeOf(() => read(resigned(text, (lines) => lines, secretOf('mallory'))))).toBe('route/bad-signature');
    const more = /signature [^]*(?=end )/.exec(resigned(text, (lines) => lines, secretOf('mallory')))?.[0] ?? '';
    const end = `end mixmailer-${kind}`;
    expect(codeOf(() => read(text.replace(end, `${more}${end}`)))).toBe('route/bad-signature');
    expect(codeOf(() => read(resigned(text, (lines) => lines.slice(1), signer)))).toBe('route/bad-document');
    expect(codeOf(() => read(resigned(text, (lines) => [...lines, lines[0] ?? ''], signer)))).toBe(
      'route/bad-document',
    );
  });

  it('keeps what it does not know, but holds no other document', () => {
    const newer = resigned(text, (lines) => [...lines, 'weather fair'], signer);
    expect(read(newer).text).toBe(newer);
    const within = resigned(text, (lines) => [...lines, 'mixmailer-x 1', 'end mixmailer-x'], signer);
    expect(codeOf(() => read(within))).toBe('route/bad-document');
  });

  it('of any size over its bound is refused unread', () => {
    const bound = kind === 'vote' ? largestVoteCharacters : kind === 'reveal' ? 32_768 : 4096;
    const tookMs = cpuTimer();
    expect(codeOf(() => read(' '.repeat(bound + 1)))).toBe('route/bad-document');
    expect(tookMs()).toBeLessThan(500);
  });

  it('of whatever text is a value or a RouteError', () => {
    const line = fc.oneof(fc.constantFrom(...text.split('\n')), fc.string({ unit: 'binary' }));
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(line).map((some) => some.join('\n')),
      // Signed, so that a reader gets to see the lines.
      fc
        .tuple(
          fc.shuffledSubarray(linesOf(text).slice(1)),
          fc.array(fc.constantFrom(...linesOf(text).slice(1)), { maxLength: 2 }),
          fc.stringMatching(/^[ -~]{0,9}$/),
        )
        .map(([some, more, odd]) => {
          const changed = [...some, ...more].map((one, i) =>
            i === odd.length ? `${one.split(' ', 1)[0] ?? ''} ${odd.trim()}` : one,
          );
          return signOwn(kind, changed, signer);
        }),
    );
    fc.assert(
      fc.property(anything, (any) => {
        expect(codeOf(() => read(any))).toMatch(/^(read|route\/bad-(document|signature))$/);
      }),
      { numRuns: 150, seed: 1 },
    );
  });
});

describe('a vote', () => {
  const text = documents.vote.text;
  const withLine = (from: string | RegExp, to: string): string =>
    resigned(text, (lines) =>
      lines
        .join('\n')
        .replace(from, to)
        .split('\n')
        .filter((line) => line !== ''),
    );
  const [member = ''] = linesOf(text).filter((line) => line.startsWith('member'));

  it.each([
    ['a node twice', () => withLine(member, `${member}\n${member}`)],
    ['a node twice, with different words', () => withLine(member, `${member}\n${member} leaving`)],
    ['an authority twice', () => withLine(/^authority .*$/m, '$&\n$&')],
    ['two numbers', () => withLine(/^number .*$/m, '$&\nnumber 8')],
    ['no number', () => withLine(/^number .*$/m, '')],
    ['a negative number', () => withLine(/^number .*$/m, 'number -1')],
    ['a huge number', () => withLine(/^number .*$/m, 'number 99999999999999999999')],
    ['a number whose time is after the year 9999', () => withLine(/^number .*$/m, 'number 999999999')],
    ['no period', () => withLine(/^period .*$/m, 'period 0')],
    ['a period of years', () => withLine(/^period .*$/m, 'period 999999999')],
    ['a history that begins with another list', () => withLine(/^previous .*$/m, `previous ${digestOf('x')}`)],
    ['a history without a list before', () => withLine(/^previous .*\n/m, '')],
    ['a list before without history', () => withLine(/^history [^]*\n(?=commit)/m, '')],
    ['a history of the future', () => withLine(/^history \d+/m, `history ${today}`)],
    ['a commit that is none', () => withLine(/^commit .*$/m, 'commit 00')],
    ['a member without a digest', () => withLine(/^(member \S+) \S+/m, '$1')],
    ['a member with a per mille of 1001', () => withLine(' 987 ', ' 1001 ')],
    ['a member with a time of years', () => withLine(' 2400 ', ' 999999999 ')],
    ['a member with an operator that is no domain', () => withLine('alice.example', 'alice@example')],
  ])('with %s is refused', (_, make) => {
    expect(codeOf(() => readVote(make()))).toBe('route/bad-document');
  });

  it('of more history or authorities than a list has is refused', () => {
    const history = Array.from({ length: 33 }, (_, i) => ({ number: today - 1 - i, digest: digestOf(`${i}`) }));
    const long = { ...draft, history, previous: history[0]?.digest };
    expect(codeOf(() => signVote(long, ann))).toBe('route/bad-document');
    expect(readVote(signVote({ ...long, history: history.slice(0, 32) }, ann)).history).toHaveLength(32);
    const many = authoritiesOf(Array.from({ length: 65 }, (_, i) => `a${i}`));
    expect(codeOf(() => signVote({ ...draft, authorities: many }, ann))).toBe('route/bad-document');
  });

  it('whose times are fractions of a second is rounded, so that what is signed is what is read', () => {
    const odd = memberOf(signedNode('alice'), { medianMs: 1499, p90Ms: 1501 });
    const { members } = readVote(signVote({ ...draft, members: [odd] }, ann));
    expect(members[0]?.standing).toMatchObject({ medianMs: secondMs, p90Ms: 2 * secondMs });
  });

  it('for 2,000 nodes is read in a moment', () => {
    const standing = draft.members[0]?.standing;
    const members = Array.from({ length: 2000 }, (_, i) => ({
      nodeId: digestOf(`node ${i}`) as ReturnType<typeof idOf>,
      descriptorDigest: digestOf(`descriptor ${i}`),
      standing: standing ?? memberOf(signedNode('alice')).standing,
    }));
    const large = signVote({ ...draft, members }, ann);
    const tookMs = cpuTimer();
    expect(readVote(large).members).toHaveLength(2000);
    expect(tookMs()).toBeLessThan(1000);
    // 200 characters a node: the bound is far away.
    expect(large.length).toBeLessThan(420_000);
  });
});

describe('a reveal', () => {
  it('that has seen two votes of one authority, or more authorities than there may be, is refused', () => {
    const twice = resigned(documents.reveal.text, (lines) => [...lines, ...lines.slice(-1)]);
    expect(codeOf(() => readReveal(twice))).toBe('route/bad-document');
    const many = new Map(Array.from({ length: 65 }, (_, i) => [keyOf(`a${i}`), digestOf('x')]));
    expect(codeOf(() => signReveal({ number: 1, secret: nonce, seen: many }, ann))).toBe('route/bad-document');
  });
});

describe('a challenge', () => {
  it('for what is no mailbox is not signed', () => {
    for (const address of ['nobody', 'a@B.example', 'a@b.example\nnode x', 'a b@c.example'])
      expect(codeOf(() => signChallenge({ nodeId: idOf('alice'), address, nonce }, ann))).toBe('route/bad-document');
  });
});

describe('endorsements', () => {
  const nodes = ['alice', 'bob'].map((name) => signedNode(name));
  const list = agreed(
    heard(
      four.map((name) => ballotOf(name, { members: nodes.map((text) => memberOf(text)) })),
      nodes,
    ),
  );
  const by = (name: string, text = list.body) =>
    readEndorsement(signEndorsement({ number: today, body: text }, secretOf(name)));

  it('of more than half make a list that everybody reads', () => {
    const text = listOf(list.body, [by('dan'), by('ann'), by('cyd'), by('ann')]);
    const network = readNetwork(text, trustOf(four), now);
    expect(network.digest).toBe(list.digest);
    expect(network.text).toBe(text);
    expect(listOf(list.body, [by('cyd'), by('dan'), by('ann')])).toBe(text);
    expect(codeOf(() => readNetwork(listOf(list.body, [by('ann'), by('ben')]), trustOf(four), now))).toBe(
      'route/too-few-signatures',
    );
  });

  it('for another list, or with a signature for another, give the list nothing', () => {
    const other = by('ben', `${list.body}weather fair\n`);
    expect(listOf(list.body, [by('ann'), other])).toBe(listOf(list.body, [by('ann')]));
    const lie = { ...by('ben'), listSignature: other.listSignature };
    expect(listOf(list.body, [by('ann'), lie])).toBe(listOf(list.body, [by('ann')]));
    expect(codeOf(() => listOf(list.body, [other, lie]))).toBe('route/too-few-signatures');
  });

  it('count once an authority, and strangers not at all', () => {
    const all = [by('ann'), by('ann'), by('ben'), by('stranger'), by('cyd', `${list.body}x\n`)];
    expect(endorsersOf(all, list.digest, trustOf(four))).toEqual([keyOf('ann'), keyOf('ben')]);
    expect(countEndorsements(all, list.digest, trustOf(four))).toBe(2);
    expect(isEndorsedBy(all, list.digest, trustOf(four))).toBe(false);
    expect(isEndorsedBy([...all, by('dan')], list.digest, trustOf(four))).toBe(true);
  });
});

describe('a request', () => {
  it('says what its author has', () => {
    expect(readRequest(formatRequest({ have: nonce }))).toEqual({ have: nonce });
    expect(readRequest(formatRequest({ have: undefined }))).toEqual({ have: undefined });
    expect(readRequest(`> \r\n${formatRequest({ have: nonce })}\r\nfooter`)).toEqual({ have: nonce });
  });

  it('of whatever text is a value or a RouteError', () => {
    const line = fc.oneof(fc.constantFrom(...formatRequest({ have: nonce }).split('\n')), fc.string());
    fc.assert(
      fc.property(
        fc.array(line).map((some) => some.join('\n')),
        (any) => {
          expect(codeOf(() => readRequest(any))).toMatch(/^(read|route\/bad-document)$/);
        },
      ),
    );
    expect(codeOf(() => readRequest('x'.repeat(5000)))).toBe('route/bad-document');
    expect(codeOf(() => readRequest(`mixmailer-request 1\nhave ${nonce}\nhave ${nonce}\nend mixmailer-request`))).toBe(
      'route/bad-document',
    );
  });
});

describe('documents one after another', () => {
  const all = [...signed.map(([, { text }]) => text), formatRequest({ have: nonce }), signedNode('alice')];
  const kinds = [...signed.map(([kind]) => kind), 'request', 'descriptor'];

  it('are found in their order, whatever stands between them', () => {
    const found = all.map((text, i) => ({ kind: kinds[i], text }));
    expect(documentsIn(all.join(''))).toEqual(found);
    expect(
      documentsIn(`Hello\r\n\r\n${all.map((text) => text.replaceAll('\n', '\r\n')).join('-- \r\nnext\r\n')}bye`),
    ).toEqual(found);
    expect(documentsIn('')).toEqual([]);
  });

  it('are found whole when they hold others', () => {
    const nodes = ['alice', 'bob'].map((name) => signedNode(name));
    const { body: inner } = agreed(
      heard(
        four.map((name) => ballotOf(name, { members: nodes.map((text) => memberOf(text)) })),
        nodes,
      ),
    );
    const list = listOf(inner, [readEndorsement(signEndorsement({ number: today, body: inner }, ann))]);
    expect(
      documentsIn(`${documents.leave.text}${list}${documents.answer.text}`).map(({ kind, text }) => [kind, text]),
    ).toEqual([
      ['leave', documents.leave.text],
      ['network', list],
      ['answer', documents.answer.text],
    ]);
  });

  it('that are cut short are left out', () => {
    expect(documentsIn(documents.vote.text.slice(0, -20))).toEqual([]);
    expect(documentsIn(`${documents.leave.text}${documents.vote.text.slice(0, -20)}`)).toHaveLength(1);
  });

  it('of any text are found in time that grows with its length', () => {
    const tookMs = cpuTimer();
    documentsIn('mixmailer-a 1\n'.repeat(100_000));
    documentsIn('mixmailer-a 1\nend mixmailer-a\n'.repeat(100_000));
    documentsIn(`mixmailer-${'a'.repeat(2_000_000)}`);
    expect(tookMs()).toBeLessThan(2000);
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...all.join('').split('\n')), fc.string())), (lines) => {
        for (const { kind, text } of documentsIn(lines.join('\n')))
          expect(text.startsWith(`mixmailer-${kind} `)).toBe(true);
      }),
    );
  });
});

describe('the signer that a document names', () => {
  it('is found unread, and is the one who signed if anybody did', () => {
    const text = signReveal({ number: 1, secret: nonce, seen }, ann);
    expect(namedSigner(text)).toBe(keyOf('ann'));
    expect(namedSigner(text)).toBe(readReveal(text).authority);
    const others = text.replace(/^by .*$/m, `by ${keyOf('ben')}`);
    expect(namedSigner(others)).toBe(keyOf('ben'));
    expect(() => readReveal(others)).toThrow(RouteError);
    for (const none of ['', text.replace(/^by .*$/m, 'by ann'), text.replace(/^by /m, 'xby ')]) {
      expect(namedSigner(none)).toBeUndefined();
      expect(() => readReveal(none)).toThrow(RouteError);
    }
  });
});
