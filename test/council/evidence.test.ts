import { describe, expect, it } from 'vitest';
import { signEndorsement } from '../../src/council/endorsement.js';
import { evidenceOf } from '../../src/council/evidence.js';
import { signChallenge } from '../../src/council/membership.js';
import { signReveal } from '../../src/council/reveal.js';
import { digestOf, signDocument } from '../../src/route/document.js';
import { secretOf, signedNode } from '../route/nodes.js';
import { ballotOf, idOf, keyOf, memberOf, today } from './council.js';

const members = ['alice', 'bob'].map((name) => memberOf(signedNode(name)));
const vote = (name: string, count: number, number = today): string =>
  ballotOf(name, { members: members.slice(0, count), number }).vote.text;
const reveal = (name: string, secret: string, number = today): string =>
  signReveal({ number, secret: digestOf(secret), seen: new Map() }, secretOf(name));
const endorsement = (name: string, list: string, number = today): string =>
  signEndorsement({ number, body: `mixmailer-network 1\n${list}\n` }, secretOf(name));

describe('two documents of one authority for one number', () => {
  it.each([
    ['vote', vote('ann', 1), vote('ann', 2)],
    ['reveal', reveal('ann', 'a'), reveal('ann', 'b')],
    ['endorsement', endorsement('ann', 'a 1'), endorsement('ann', 'b 1')],
  ])('are evidence when they are different %ss, and look the same everywhere', (kind, a, b) => {
    const evidence = evidenceOf(a, b);
    expect(evidence).toEqual({ authority: keyOf('ann'), number: today, kind, texts: [a, b].sort() });
    expect(evidenceOf(b.replaceAll('\n', '\r\n'), ` ${a}`)).toEqual(evidence);
  });

  it('are none when they say the same', () => {
    for (const text of [vote('ann', 1), reveal('ann', 'a'), endorsement('ann', 'a 1')])
      expect(evidenceOf(text, text.replaceAll('\n', '\r\n'))).toBeUndefined();
  });

  it('are none for a list that is signed twice in different ways', () => {
    const once = endorsement('ann', 'a 1');
    const other = endorsement('ben', 'a 1');
    const signature = /data \S+\ndata \S+\n/.exec(other)?.[0] ?? '';
    const body = once.slice(0, once.indexOf('signature ')).replace(/data \S+\ndata \S+\n/, signature);
    const twice = signDocument('endorsement', body.trimEnd().split('\n').slice(1), secretOf('ann'));
    expect(twice).not.toBe(once);
    expect(evidenceOf(once, twice)).toBeUndefined();
  });
});

describe('no evidence', () => {
  it.each([
    ['of two authorities', vote('ann', 1), vote('ben', 2)],
    ['for two numbers', vote('ann', 1), vote('ann', 2, today + 1)],
    ['of two kinds', vote('ann', 1), reveal('ann', 'a')],
    ['with one that is changed', vote('ann', 1), vote('ann', 2).replace('period 86400', 'period 86401')],
    ['with one that another signed', reveal('ann', 'a'), reveal('ben', 'b').replace(keyOf('ben'), keyOf('ann'))],
    ['with text around that is a document too', vote('ann', 1), `${vote('ann', 2)}${vote('ann', 2)}`],
    ['of nothing', '', ''],
    [
      'of challenges, of which there are many',
      signChallenge({ nodeId: idOf('a'), address: 'a@b.example', nonce: digestOf('1') }, secretOf('ann')),
      signChallenge({ nodeId: idOf('a'), address: 'a@b.example', nonce: digestOf('2') }, secretOf('ann')),
    ],
  ])('are two documents %s', (_, a, b) => {
    expect(evidenceOf(a, b)).toBeUndefined();
    expect(evidenceOf(b, a)).toBeUndefined();
  });

  it('is a text of any size', () => {
    const huge = ' '.repeat(64 * 1024 * 1024);
    const began = performance.now();
    expect(evidenceOf(huge, huge)).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(500);
  });
});
