import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteError } from '../../src/base/errors.js';
import { dayMs } from '../../src/base/units.js';
import { publicKeyOf, signDocument } from '../../src/route/document.js';
import {
  addSignature,
  defaultNetworkParameters,
  inspectNetwork,
  type NetworkDraft,
  readNetwork,
  signNetwork,
} from '../../src/route/network.js';
import type { Strategy } from '../../src/route/strategy.js';
import { now, secretOf, signedNode } from './nodes.js';

const [ann, ben, cyd] = [secretOf('ann'), secretOf('ben'), secretOf('cyd')];
const [annKey, benKey, cydKey] = [publicKeyOf(ann), publicKeyOf(ben), publicKeyOf(cyd)];
const trust = { authorities: [annKey, benKey, cydKey], threshold: 2 };
const descriptors = ['alice', 'bob', 'carol'].map((name) => signedNode(name));
const draft: NetworkDraft = {
  validFrom: now - dayMs,
  validUntil: now + 6 * dayMs,
  parameters: defaultNetworkParameters,
  descriptors,
};
const byAnn = signNetwork(draft, ann);
const byBoth = addSignature(byAnn, ben);

const errorOf = (read: () => unknown): RouteError => {
  try {
    read();
  } catch (error) {
    if (error instanceof RouteError) return error;
    throw error;
  }
  throw new Error('accepted');
};

/** A list with whatever text, properly signed by ann. */
const addSignatureUnchecked = (body: string): string =>
  signDocument('network', body.trimEnd().split('\n').slice(1), ann);

describe('a network list', () => {
  it('signed by enough authorities comes back whole', () => {
    const network = readNetwork(byBoth, trust, now);
    expect(network.nodes.map(({ name }) => name)).toEqual(['alice', 'bob', 'carol']);
    expect(network.nodes.map(({ text }) => text)).toEqual(descriptors);
    expect(network.parameters).toEqual(defaultNetworkParameters);
    expect([network.validFrom, network.validUntil]).toEqual([now - dayMs, now + 6 * dayMs]);
    expect(network.previous).toBeUndefined();
    const alice = network.nodes[0];
    expect(alice && network.byId.get(alice.nodeId)).toBe(alice);
  });

  it('names its predecessor by a digest that does not depend on who signed', () => {
    const { digest } = readNetwork(byBoth, trust, now);
    expect(inspectNetwork(byAnn, []).network.digest).toBe(digest);
    const next = addSignature(signNetwork({ ...draft, previous: digest }, cyd), ann);
    const read = readNetwork(next, trust, now);
    expect(read.previous).toBe(digest);
    expect(read.digest).not.toBe(digest);
  });

  it('survives what mail does to text', () => {
    const mailed = `Hello\r\n${byBoth.replaceAll('\n', ' \r\n ')}\r\n-- \r\nfooter`;
    expect(readNetwork(mailed, trust, now)).toEqual(readNetwork(byBoth, trust, now));
  });

  it('with too few signatures says whose are missing', () => {
    const error = errorOf(() => readNetwork(byAnn, trust, now));
    expect(error.code).toBe('route/too-few-signatures');
    expect(error.message).toContain('1 valid signatures of the 2 needed (3 authorities)');
    expect(error.message).toContain(`missing: ${benKey}, ${cydKey}`);
    expect(error.message).not.toContain(annKey);
  });

  it('with a wrong signature says whose it is', () => {
    const other = signNetwork({ ...draft, validUntil: now + 5 * dayMs }, ben);
    const foreign =
      /signature [^]*(?=end mixmailer-network)/.exec(other.slice(other.lastIndexOf('signature')))?.[0] ?? '';
    const forged = byAnn.replace('end mixmailer-network', `${foreign}end mixmailer-network`);
    const error = errorOf(() => readNetwork(forged, trust, now));
    expect(error.code).toBe('route/too-few-signatures');
    expect(error.message).toContain(`not fitting: ${benKey}`);
    expect(error.message).toContain(`missing: ${cydKey}`);
    // Enough others make up for it: one authority can't stop the network by signing badly.
    expect(readNetwork(addSignature(forged, cyd), trust, now).nodes).toHaveLength(3);
    expect(errorOf(() => addSignature(forged, ben)).code).toBe('route/bad-signature');
  });

  it('does not count strangers, nor one authority named twice', () => {
    const stranger = secretOf('stranger');
    expect(errorOf(() => readNetwork(addSignature(byAnn, stranger), trust, now)).code).toBe('route/too-few-signatures');
    expect(inspectNetwork(addSignature(byAnn, stranger), [annKey]).support).toEqual({
      valid: [annKey],
      bad: [],
      missing: [],
      strangers: [publicKeyOf(stranger)],
    });
    expect(() => readNetwork(byAnn, { authorities: [annKey, annKey], threshold: 2 }, now)).toThrow('BUG');
    const doubled = byAnn.replace(/signature [0-9a-f]{64}\ndata \S+\ndata \S+\n(?=end mixmailer-network)/, '$&$&');
    expect(doubled.length).toBeGreaterThan(byAnn.length);
    expect(errorOf(() => readNetwork(doubled, trust, now)).message).toContain('one key signed twice');
  });

  it('signed once more by the same authority stays as it is', () => {
    expect(addSignature(byBoth, ben)).toBe(byBoth);
  });

  it('is refused before its time and after it', () => {
    expect(errorOf(() => readNetwork(byBoth, trust, draft.validFrom - 1)).code).toBe('route/not-yet-valid');
    expect(readNetwork(byBoth, trust, draft.validFrom).nodes).toHaveLength(3);
    expect(readNetwork(byBoth, trust, draft.validUntil - 1).nodes).toHaveLength(3);
    const error = errorOf(() => readNetwork(byBoth, trust, draft.validUntil));
    expect(error.code).toBe('route/expired');
    expect(error.message).toContain('until 2026-11-28T00:00:00Z');
  });

  it('with a node, a name or an address twice is not signed, and refused if it is', () => {
    const double = (more: readonly string[]): RouteError =>
      errorOf(() => signNetwork({ ...draft, descriptors: [...descriptors, ...more] }, ann));
    expect(double([signedNode('alice', { publishedAt: now })]).message).toContain('same node: alice and alice');
    const dave = signedNode('alice2', { name: 'alice' });
    expect(double([dave]).message).toContain('same name: alice and alice');
    expect(double([signedNode('dave', { address: 'MIX@alice.example' })]).message).toContain(
      'same address: alice and dave',
    );
    const lines = [
      ...byAnn.slice(0, byAnn.lastIndexOf('signature')).trimEnd().split('\n').slice(1),
      ...dave.trimEnd().split('\n'),
    ];
    const forged = signDocument('network', lines, ann);
    expect(errorOf(() => readNetwork(forged, { authorities: [annKey], threshold: 1 }, now)).code).toBe(
      'route/bad-document',
    );
  });

  it('with a descriptor that its node did not sign is shown to nobody and signed by nobody', () => {
    const lines = byAnn.slice(0, byAnn.lastIndexOf('signature')).replace('mix@bob.example', 'mix@mallory.example');
    const forged = addSignatureUnchecked(lines);
    expect(errorOf(() => inspectNetwork(forged, [annKey])).code).toBe('route/bad-signature');
    expect(errorOf(() => addSignature(forged, ben)).code).toBe('route/bad-signature');
    const forgedNode = descriptors[1]?.replace('mix@bob.example', 'mix@mallory.example') ?? '';
    expect(errorOf(() => signNetwork({ ...draft, descriptors: [forgedNode] }, ann)).code).toBe('route/bad-signature');
  });

  it('is worth what its authorities are: who trusts them takes their word for what nodes signed', () => {
    const lines = byAnn.slice(0, byAnn.lastIndexOf('signature')).replace('mix@bob.example', 'mix@mallory.example');
    const forged = addSignatureUnchecked(lines);
    const onlyAnn = { authorities: [annKey], threshold: 1 };
    expect(readNetwork(forged, onlyAnn, now).nodes[1]?.address).toBe('mix@mallory.example');
    expect(errorOf(() => readNetwork(forged, trust, now)).code).toBe('route/too-few-signatures');
    const other = lines.replace(/signature [0-9a-f]{64}/, `signature ${benKey}`);
    expect(errorOf(() => readNetwork(addSignatureUnchecked(other), onlyAnn, now)).code).toBe('route/bad-signature');
    const bare = lines.replace('role mix', 'role none\nrole none');
    expect(errorOf(() => readNetwork(addSignatureUnchecked(bare), onlyAnn, now)).code).toBe('route/bad-document');
  });

  it('with one character changed is refused', () => {
    for (let at = byBoth.indexOf('\n') + 1; at < byBoth.length; at += 97) {
      const original = byBoth[at] ?? '';
      if (original === '\n') continue;
      const changed = byBoth.slice(0, at) + (original === 'A' ? 'B' : 'A') + byBoth.slice(at + 1);
      expect(() => readNetwork(changed, trust, now)).toThrow(RouteError);
    }
  });

  it.each([
    ['path-length 3', 'path-length 6'],
    ['pool-minimum 2', 'pool-minimum 0'],
    ['pool-rate 0.75', 'pool-rate 0'],
    ['pool-rate 0.75', 'pool-rate 1.5'],
    ['mix-schedule */12 * * * *', 'mix-schedule often'],
    ['valid-until 2026', 'valid-until 2025'],
  ])('with %s turned into %s is refused', (from, to) => {
    const body = byAnn.slice(0, byAnn.lastIndexOf('signature'));
    expect(body).toContain(from);
    const forged = addSignatureUnchecked(body.replace(from, to));
    expect(errorOf(() => inspectNetwork(forged, [])).code).toBe('route/bad-document');
  });

  it.each<[string, Strategy]>([
    ['mix-strategy poisson 600', { kind: 'poisson', meanMs: 600_000 }],
    ['mix-strategy threshold 25', { kind: 'threshold', count: 25 }],
    ['pool-minimum 7\npool-rate 0.5', { kind: 'pool', minimum: 7, rate: 0.5 }],
  ])('says how its nodes mix: %s', (lines, strategy) => {
    const text = signNetwork({ ...draft, parameters: { ...draft.parameters, strategy } }, ann);
    expect(text).toContain(`\n${lines}\n`);
    expect(readNetwork(text, { authorities: [annKey], threshold: 1 }, now).parameters.strategy).toEqual(strategy);
    expect(text.includes('pool-rate')).toBe(strategy.kind === 'pool');
  });

  it.each(['poisson 0', 'poisson 604801', 'poisson', 'threshold 0', 'threshold 2 3', 'pool 2', ''])(
    'with the strategy "%s" is refused',
    (strategy) => {
      const body = byAnn.slice(0, byAnn.lastIndexOf('signature'));
      const forged = addSignatureUnchecked(body.replace('pool-minimum 2', `mix-strategy ${strategy}`.trim()));
      expect(errorOf(() => inspectNetwork(forged, [])).code).toBe('route/bad-document');
    },
  );

  it('keeps fields it does not know', () => {
    const body = byAnn.slice(0, byAnn.lastIndexOf('signature'));
    const newer = addSignatureUnchecked(body.replace('path-length', 'shared-randomness 12ab\npath-length'));
    expect(readNetwork(newer, { authorities: [annKey], threshold: 1 }, now).text).toContain('shared-randomness 12ab');
  });

  it('of whatever text is a value or a RouteError', () => {
    const line = fc.constantFrom(
      ...byBoth.split('\n').filter((text) => !text.startsWith('data')),
      'end mixmailer-network',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(line).map((some) => `mixmailer-network 1\n${some.join('\n')}`),
        ),
        (any) => {
          expect(errorOf(() => readNetwork(any, trust, now)).code).toMatch(/^route\//);
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });
});
