import { describe, expect, it } from 'vitest';
import { RouteError } from '../../src/base/errors.js';
import type { NodeId } from '../../src/base/ids.js';
import { dayMs } from '../../src/base/units.js';
import { usualSuccessors } from '../../src/route/consensus.js';
import { publicKeyOf, signDocument } from '../../src/route/document.js';
import {
  defaultNetworkParameters,
  inspectNetwork,
  type NetworkDraft,
  readNetwork,
  signNetwork,
} from '../../src/route/network.js';
import { now, secretOf, signedNode, standingOf } from './nodes.js';

const ann = secretOf('ann');
const annKey = publicKeyOf(ann);
const trust = { authorities: [annKey], threshold: 1 };
const [alice, bob] = ['alice', 'bob'].map((name) => publicKeyOf(secretOf(name)) as NodeId) as [NodeId, NodeId];
const digest = (digit: string): string => digit.repeat(64);
const draft: NetworkDraft = {
  validFrom: now,
  validUntil: now + 3 * dayMs,
  previous: digest('b'),
  parameters: { ...defaultNetworkParameters, topology: { kind: 'layers', successors: [8, 8, 8] }, mostPerOperator: 5 },
  descriptors: ['alice', 'bob'].map((name) => signedNode(name)),
  consensus: {
    number: 20_779,
    periodMs: dayMs,
    randomness: digest('a'),
    authorities: [{ key: annKey, address: 'ann@authority.example' }],
    history: [
      { number: 20_778, digest: digest('b') },
      { number: 20_776, digest: digest('c') },
    ],
  },
  standings: new Map([
    [alice, standingOf('google.com', { deliveredPerMille: 987, medianMs: 420_000, p90Ms: 1_800_000 })],
    [bob, standingOf('bob.example', { leaving: true })],
  ]),
};
const list = signNetwork(draft, ann);
const body = list.slice(list.indexOf('\n') + 1, list.lastIndexOf('signature'));
const signedWith = (from: string | RegExp, to: string): string => {
  expect(body.replace(from, to)).not.toBe(body);
  return signDocument('network', body.replace(from, to).trimEnd().split('\n'), ann);
};

const messageOf = (text: string): string => {
  try {
    inspectNetwork(text, []);
  } catch (error) {
    if (error instanceof RouteError && error.code === 'route/bad-document') return error.message;
    throw error;
  }
  return 'accepted';
};

describe('a list on which authorities agreed', () => {
  it('says what they agreed on, and comes back whole', () => {
    const network = readNetwork(list, trust, now);
    expect(network.consensus).toEqual(draft.consensus);
    expect(network.standings).toEqual(draft.standings);
    expect(network.parameters).toEqual(draft.parameters);
    expect(list).toContain('topology layers 8\nmost-per-operator 5\nnumber 20779\nperiod 86400\n');
    expect(list).toContain(`standing ${alice} google.com 987 420 1800\n`);
    expect(list).toContain(`standing ${bob} bob.example - - - leaving\n`);
  });

  it('without a number is a list signed by hand: the rest of a consensus is ignored', () => {
    const network = readNetwork(signedWith('number 20779\n', ''), trust, now);
    expect(network.consensus).toBeUndefined();
    expect(network.standings).toEqual(draft.standings);
    expect(readNetwork(signedWith(/topology .*\nmost-.*\n/, 'topology free\n'), trust, now).parameters).toEqual(
      defaultNetworkParameters,
    );
  });

  it.each([
    ['layers 9', [9, 9, 9]],
    ['layers 8 4 2', [8, 4, 2]],
    ['layers 8 4', [8, 4, 4]],
    ['layers 8 4 2 1', [8, 4, 2]],
  ])('with %s has successors %j', (text, successors) => {
    const read = readNetwork(signedWith('layers 8', text), trust, now);
    expect(read.parameters.topology).toEqual({ kind: 'layers', successors });
  });

  it('says the successors of each layer, or one number where they are alike', () => {
    const textWith = (successors: readonly number[]): string =>
      signNetwork({ ...draft, parameters: { ...draft.parameters, topology: { kind: 'layers', successors } } }, ann);
    expect(textWith([3, 3, 2])).toContain('\ntopology layers 3 3 2\n');
    expect(textWith([4, 4, 4])).toContain('\ntopology layers 4\n');
    expect(usualSuccessors(3)).toEqual([3, 3, 2]);
    expect(usualSuccessors(5)).toEqual([3, 3, 3, 3, 2]);
  });

  it.each<[string, string | RegExp, string, string]>([
    ['no period', /period .*\n/, '', 'period: expected seconds'],
    ['a period of nothing', 'period 86400', 'period 0', 'period: expected seconds'],
    ['short randomness', 'randomness aa', 'randomness ', 'randomness: expected'],
    ['an authority without a mailbox', 'ann@authority.example', 'authority.example', 'authority: expected'],
    ['a history that goes up', 'history 20776', 'history 20778', 'history: expected earlier lists only'],
    ['a history from the future', 'history 20778', 'history 20779', 'history: expected earlier lists only'],
    ['no successors', 'layers 8', 'layers 0', 'topology: expected'],
    ['too many successors', 'layers 8', 'layers 65', 'topology: expected'],
    ['successors of more layers than there can be', 'layers 8', 'layers 8 8 8 8 8 8', 'topology: expected'],
    ['successors that are no number', 'layers 8', 'layers 8 x', 'topology: expected'],
    ['no word about successors', 'layers 8', 'layers', 'topology: expected'],
    ['another topology', 'layers 8', 'rings 8', 'topology: expected'],
    ['no room for operators', 'most-per-operator 5', 'most-per-operator 0', 'most-per-operator: expected'],
    ['more than all delivered', '987', '1001', 'standing: expected numbers'],
    ['an operator that is no domain', 'google.com 987', 'Google.com 987', 'standing: expected a node'],
    ['a standing with a word more', '- - - leaving', '- - - leaving now', 'standing: expected a node'],
    ['a node with two standings', /standing \S+ bob/, `standing ${alice} bob`, 'standing: expected once a node'],
  ])('with %s is refused', (_, from, to, message) => {
    expect(messageOf(signedWith(from, to))).toContain(message);
  });
});
