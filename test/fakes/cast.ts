import type { NodeId } from '../../src/base/ids.js';
import { parseNodeId } from '../../src/base/ids.js';
import { toHex } from '../../src/base/bytes.js';
import type { Rng } from '../../src/base/random.js';
import { dayMs } from '../../src/base/units.js';
import type { LiveKey } from '../../src/ports/unwrapper.js';
import { signDescriptor } from '../../src/route/descriptor.js';
import { publicKeyOf } from '../../src/route/document.js';
import { defaultNetworkParameters, readNetwork, signNetwork } from '../../src/route/network.js';
import type { Network } from '../../src/route/network.js';
import type { SphinxCrypto } from '../../src/sphinx/crypto.js';
import { expandKey, keyIdOf } from '../../src/sphinx/kem.js';

/** A node as the list has it, and its key. */
export interface CastMember {
  readonly address: string;
  readonly nodeId: NodeId;
  readonly key: LiveKey;
  readonly isExit: boolean;
}

/** The nodes of a story, each at a provider of its own, and the list they stand in. */
export interface Cast {
  readonly members: readonly CastMember[];
  readonly network: Network;
}

interface Seeds {
  readonly authority: Uint8Array;
  readonly nodes: readonly { readonly identity: Uint8Array; readonly mixKey: Uint8Array; readonly isExit: boolean }[];
}

const make = (crypto: SphinxCrypto, { authority, nodes }: Seeds, startAt: number): Cast => {
  const epoch = { notBefore: startAt - dayMs, notAfter: startAt + 6 * dayMs, expiresAt: startAt + 13 * dayMs };
  const signed = nodes.map(({ identity, mixKey, isExit }, i) => {
    const { publicKey } = expandKey(crypto, mixKey);
    const name = `mix${i + 1}`;
    const address = `node@${name}.test`;
    const descriptor = signDescriptor(
      {
        name,
        address,
        provider: `${name}.test`,
        roles: isExit ? ['mix', 'exit'] : ['mix'],
        mixKeys: [{ publicKey, ...epoch }],
        publishedAt: startAt,
      },
      identity,
    );
    const nodeId = parseNodeId(publicKeyOf(identity));
    if (nodeId === undefined) throw new Error('no node id');
    return { descriptor, address, nodeId, key: { keyId: keyIdOf(crypto, publicKey), seed: mixKey }, isExit };
  });
  const text = signNetwork(
    {
      validFrom: epoch.notBefore,
      validUntil: epoch.notAfter,
      parameters: defaultNetworkParameters,
      descriptors: signed.map(({ descriptor }) => descriptor),
    },
    authority,
  );
  const members = signed.map(({ address, nodeId, key, isExit }) => ({ address, nodeId, key, isExit }));
  return { members, network: readNetwork(text, { authorities: [publicKeyOf(authority)], threshold: 1 }, startAt) };
};

/** Casts that were made, by all that they are made of: to make one takes longer than most stories about it. */
const made = new Map<string, Cast>();

/** @param exits how many of the nodes are exits: the first ones */
export const castOf = (
  crypto: SphinxCrypto,
  rng: Rng,
  { nodes, exits, startAt }: { readonly nodes: number; readonly exits: number; readonly startAt: number },
): Cast => {
  const authority = rng(32);
  const seeds = {
    authority,
    nodes: Array.from({ length: nodes }, (_, i) => ({ identity: rng(32), mixKey: rng(32), isExit: i < exits })),
  };
  const name = [
    startAt,
    toHex(authority),
    ...seeds.nodes.map((n) => `${toHex(n.identity)}${toHex(n.mixKey)}${n.isExit}`),
  ].join();
  const cast = made.get(name) ?? make(crypto, seeds, startAt);
  made.set(name, cast);
  return cast;
};
