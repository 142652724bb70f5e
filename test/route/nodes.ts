import { sha256 } from '@noble/hashes/sha2.js';
import { ascii, toHex } from '../../src/base/bytes.js';
import { nodeIdOf } from '../../src/base/ids.js';
import { type Rng, seededRng } from '../../src/base/random.js';
import { dayMs } from '../../src/base/units.js';
import { type Descriptor, type DescriptorDraft, type Role, signDescriptor } from '../../src/route/descriptor.js';
import { forLayers } from '../../src/route/consensus.js';
import { defaultNetworkParameters, type Network, type Standing } from '../../src/route/network.js';

/** 2026-11-22T00:00:00Z, a Sunday. */
export const now = 1_795_305_600_000;

export const secretOf = (name: string): Uint8Array => sha256(ascii(`secret of ${name}`));
export const rngOf = (name: string): Rng => seededRng(sha256(ascii(name)));

/** A well-formed X-Wing public key (all its numbers are 0x505). */
export const plainMixKey = (): Uint8Array => new Uint8Array(1216).fill(5);

export const draftOf = (name: string, more: Partial<DescriptorDraft> = {}): DescriptorDraft => ({
  name,
  address: `mix@${name}.example`,
  roles: ['mix', 'exit'],
  mixKeys: [
    { publicKey: plainMixKey(), notBefore: now - dayMs, notAfter: now + 6 * dayMs, expiresAt: now + 13 * dayMs },
  ],
  publishedAt: now - dayMs,
  software: 'mixmailer/0.1.0',
  ...more,
});

export const signedNode = (name: string, more: Partial<DescriptorDraft> = {}): string =>
  signDescriptor(draftOf(name, more), secretOf(name));

/** A node without a document, for path choice. */
export const nodeAt = (provider: string, name: string, roles: readonly Role[] = ['mix', 'exit']): Descriptor => ({
  nodeId: nodeIdOf(sha256(ascii(name))),
  name,
  address: `${name}@${provider}`,
  provider,
  senders: [],
  roles,
  mixKeys: [{ publicKey: plainMixKey(), notBefore: now - dayMs, notAfter: now + dayMs, expiresAt: now + 8 * dayMs }],
  publishedAt: now,
  software: undefined,
  text: '',
});

export const networkOf = (nodes: readonly Descriptor[]): Network => ({
  validFrom: now - dayMs,
  validUntil: now + dayMs,
  previous: undefined,
  parameters: defaultNetworkParameters,
  consensus: undefined,
  standings: new Map(),
  nodes,
  byId: new Map(nodes.map((node) => [node.nodeId, node])),
  digest: '00'.repeat(32),
  text: '',
});

/** What a list with layers says beside its nodes. */
export interface LayeredOptions {
  readonly pathLength?: number;
  /** The same for all layers, if it is one number. */
  readonly successors?: number | readonly number[];
  readonly mostPerOperator?: number;
  /** A word, of which the randomness is made. */
  readonly randomness?: string;
  readonly standings?: Network['standings'];
}

/** A list of these nodes as authorities agree on it, with layers. */
export const layeredOf = (nodes: readonly Descriptor[], options: LayeredOptions = {}): Network => ({
  ...networkOf(nodes),
  parameters: {
    ...defaultNetworkParameters,
    pathLength: options.pathLength ?? 3,
    topology: { kind: 'layers', successors: forLayers([options.successors ?? 4].flat(), options.pathLength ?? 3) },
    mostPerOperator: options.mostPerOperator,
  },
  consensus: {
    number: 7,
    periodMs: dayMs,
    randomness: toHex(sha256(ascii(options.randomness ?? 'randomness'))),
    authorities: [],
    history: [],
  },
  standings: options.standings ?? new Map(),
});

/** That many nodes, each at a provider of its own. */
export const manyNodes = (
  count: number,
  rolesOf: (i: number) => readonly Role[] = () => ['mix', 'exit'],
): Descriptor[] => Array.from({ length: count }, (_, i) => nodeAt(`p${i}.example`, `n${i}`, rolesOf(i)));

/** A standing where nothing was measured. */
export const standingOf = (operator: string, more: Partial<Standing> = {}): Standing => ({
  operator,
  deliveredPerMille: undefined,
  medianMs: undefined,
  p90Ms: undefined,
  leaving: false,
  ...more,
});
