import { randomBytes } from 'node:crypto';
import { createDeflateRaw, deflateRawSync } from 'node:zlib';
import { sha256 } from '@noble/hashes/sha2.js';
import { systemRng } from '../../src/adapters/system.js';
import { ascii, toHex } from '../../src/base/bytes.js';
import type { NodeId } from '../../src/base/ids.js';
import { dayMs } from '../../src/base/units.js';
import { makeDiff } from '../../src/council/diff.js';
import { consensusLines, standingLine } from '../../src/route/consensus.js';
import {
  type Descriptor,
  type MixKeyOffer,
  readDescriptor,
  readVouchedDescriptor,
  signDescriptor,
} from '../../src/route/descriptor.js';
import { dataLines, publicKeyOf, readDocument, timeText } from '../../src/route/document.js';
import {
  addSignature,
  type Consensus,
  defaultNetworkParameters,
  type Network,
  readSignedNetwork,
  signNetwork,
  type Standing,
} from '../../src/route/network.js';
import { parameterLines } from '../../src/route/parameters.js';
import { chooseExit, chooseLoopPath, choosePath } from '../../src/path/path.js';
import { placesOf } from '../../src/path/topology.js';
import { measure, type Figure, type Job, type Section } from './measure.js';

const start = Date.UTC(2026, 10, 22);
const parameters = {
  ...defaultNetworkParameters,
  topology: { kind: 'layers', successors: [16] },
  mostPerOperator: 100,
} as const;

/** As an X-Wing key looks: 768 numbers below 3329 in 12 bits each, then bytes of which all are alike. */
const mixKeyBytes = (): Uint8Array => {
  const key = new Uint8Array(randomBytes(1216));
  const chance = randomBytes(2 * 768);
  for (let i = 0; i < 768; i += 2) {
    const [a, b] = [chance.readUInt16LE(2 * i) % 3329, chance.readUInt16LE(2 * i + 2) % 3329];
    key.set([a & 255, (a >> 8) | ((b & 15) << 4), b >> 4], (i / 2) * 3);
  }
  return key;
};

const mixKeys = (count: number): readonly MixKeyOffer[] =>
  Array.from({ length: count }, (_, i) => ({
    publicKey: mixKeyBytes(),
    notBefore: start + i * 7 * dayMs,
    notAfter: start + (i + 1) * 7 * dayMs,
    expiresAt: start + (i + 2) * 7 * dayMs,
  }));

const draftOf = (i: number, keys: number) => ({
  name: `mix-${i}`,
  address: `mix-${i}@provider-${i % 977}.example`,
  roles: ['mix', 'exit'] as const,
  mixKeys: mixKeys(keys),
  publishedAt: start - dayMs,
  software: 'mixmailer/0.1.0',
});

const standingAt = (i: number): Standing => ({
  operator: `provider-${i % 977}.example`,
  deliveredPerMille: 900 + (i % 101),
  medianMs: (300 + (i % 600)) * 1000,
  p90Ms: (900 + (i % 900)) * 1000,
  leaving: false,
});

const consensusOf = (keys: readonly string[]): Consensus => ({
  number: 20_000,
  periodMs: dayMs,
  randomness: toHex(sha256(ascii('randomness'))),
  authorities: keys.map((key, i) => ({ key, address: `authority@authority-${i}.example` })),
  history: Array.from({ length: 32 }, (_, i) => ({ number: 19_999 - i, digest: toHex(sha256(ascii(`list ${i}`))) })),
});

/** The pieces of a list one after the other, so that the whole never is in memory. Signatures in it fit nothing. */
const pieces = function* (nodes: number, keys: number): Generator<string> {
  const unsigned = (): string =>
    [`signature ${randomBytes(32).toString('hex')}`, ...dataLines(randomBytes(64))].join('\n');
  const authorities = Array.from({ length: 5 }, () => randomBytes(32).toString('hex'));
  yield [
    'mixmailer-network 1',
    `valid-from ${timeText(start)}`,
    `valid-until ${timeText(start + 3 * dayMs)}`,
    ...parameterLines(parameters),
    ...consensusLines(consensusOf(authorities)),
    '',
  ].join('\n');
  const ids = Array.from({ length: nodes }, (_, i) => toHex(sha256(ascii(`node ${i}`))) as NodeId);
  for (const [i, id] of ids.entries()) yield `${standingLine(id, standingAt(i))}\n`;
  for (const [i, id] of ids.entries()) {
    const draft = draftOf(i, keys);
    yield [
      'mixmailer-descriptor 1',
      `node ${id}`,
      `name ${draft.name}`,
      `address ${draft.address}`,
      `provider ${draft.address.slice(draft.address.indexOf('@') + 1)}`,
      ...draft.roles.map((role) => `role ${role}`),
      `published ${timeText(draft.publishedAt)}`,
      `software ${draft.software}`,
      ...draft.mixKeys.flatMap((key) => [
        `mix-key ${timeText(key.notBefore)} ${timeText(key.notAfter)} ${timeText(key.expiresAt)}`,
        ...dataLines(key.publicKey),
      ]),
      `signature ${id}`,
      ...dataLines(randomBytes(64)),
      'end mixmailer-descriptor',
      '',
    ].join('\n');
  }
  yield `${authorities.map(unsigned).join('\n')}\nend mixmailer-network\n`;
};

const sizeOf = async (nodes: number, keys: number): Promise<readonly Figure[]> => {
  const deflate = createDeflateRaw();
  let [text, deflated] = [0, 0];
  deflate.on('data', (chunk: Uint8Array) => (deflated += chunk.length));
  for (const piece of pieces(nodes, keys)) {
    text += piece.length;
    if (!deflate.write(piece, 'latin1')) await new Promise((resolve) => deflate.once('drain', resolve));
  }
  await new Promise((resolve) => {
    deflate.once('end', resolve);
    deflate.end();
  });
  const name = `${nodes} nodes, ${keys} mix key${keys > 1 ? 's' : ''}`;
  return [
    { name: `${name}: text`, value: text / nodes, unit: 'bytes a node' },
    { name: `${name}: raw deflate`, value: deflated / nodes, unit: 'bytes a node' },
    { name: `${name}: raw deflate`, value: deflated / 1e6, unit: 'MB' },
  ];
};

/** A list of 1,000 nodes with real signatures, of nodes and of three authorities. */
const signedList = (nodes: number) => {
  const secrets = ['ann', 'ben', 'cyd'].map((name) => sha256(ascii(name)));
  const [first = new Uint8Array(), ...others] = secrets;
  const authorities = secrets.map(publicKeyOf);
  const identities = Array.from({ length: nodes }, (_, i) => sha256(ascii(`identity ${i}`)));
  const descriptors = identities.map((secret, i) => signDescriptor(draftOf(i, 2), secret));
  const text = signNetwork(
    {
      validFrom: start,
      validUntil: start + 3 * dayMs,
      parameters,
      descriptors,
      consensus: consensusOf(authorities),
      standings: new Map(identities.map((secret, i) => [publicKeyOf(secret) as NodeId, standingAt(i)])),
    },
    first,
  );
  const list = others.reduce(addSignature, text);
  return { list, trust: { authorities, threshold: authorities.length }, descriptor: descriptors[0] ?? '' };
};

/** What goes from one list to the next: what is measured of each node, and that part of the descriptors. */
const differences = (nodes: number): readonly Figure[] => {
  const secret = sha256(ascii('ann'));
  const identities = Array.from({ length: nodes }, (_, i) => sha256(ascii(`identity ${i}`)));
  const descriptorOf = (i: number): string => signDescriptor(draftOf(i, 1), identities[i] ?? new Uint8Array());
  const before = identities.map((_, i) => descriptorOf(i));
  const listOf = (descriptors: readonly string[], shift: number): string =>
    signNetwork(
      {
        ...{ validFrom: start, validUntil: start + 3 * dayMs, parameters, descriptors },
        consensus: consensusOf([publicKeyOf(secret)]),
        standings: new Map(identities.map((one, i) => [publicKeyOf(one) as NodeId, standingAt(i + shift)])),
      },
      secret,
    );
  const old = listOf(before, 0);
  return [0, 1 / 7, 1].map((part) => {
    const after = before.map((text, i) => (i < part * nodes ? descriptorOf(i) : text));
    const bytes = deflateRawSync(makeDiff(old, listOf(after, 1))).length;
    const name = `${nodes} nodes, ${Math.round(part * 100)} % new descriptors: difference`;
    return { name, value: bytes / nodes, unit: 'bytes a node, raw deflate' };
  });
};

/** A list of that many nodes as it is once it has been read. */
const largeNetwork = (count: number, kind: 'layers' | 'free'): Network => {
  const shared = mixKeys(1);
  const nodes = Array.from({ length: count }, (_, i): Descriptor => {
    const { name, address, roles, publishedAt, software } = draftOf(i, 0);
    const nodeId = toHex(sha256(ascii(`node ${i}`))) as NodeId;
    return {
      ...{ nodeId, name, address, roles, publishedAt, software },
      provider: `provider-${i % 977}.example`,
      senders: [],
      mixKeys: shared,
      text: '',
    };
  });
  return {
    validFrom: start,
    validUntil: start + 3 * dayMs,
    previous: undefined,
    parameters: {
      ...parameters,
      mostPerOperator: undefined,
      topology: kind === 'free' ? { kind } : parameters.topology,
    },
    nodes,
    byId: new Map(nodes.map((node) => [node.nodeId, node])),
    consensus: consensusOf([]),
    standings: new Map(nodes.map(({ nodeId }, i) => [nodeId, standingAt(i)])),
    digest: toHex(sha256(ascii('digest'))),
    text: '',
  };
};

const many =
  (one: () => unknown): Job['run'] =>
  (times) => {
    for (let i = 0; i < times; i++) one();
  };

const pathJobs = (network: Network, name: string): readonly Job[] => {
  const wish = {
    network,
    now: start,
    rng: systemRng,
    length: network.parameters.pathLength,
    senderProvider: 'provider-1.example',
    recipientDomains: ['provider-2.example'],
    allow: new Set<never>(),
  };
  const exit = chooseExit(wish);
  const back = { ...wish, from: exit.nodeId, lastRole: 'mix', senderProvider: exit.provider } as const;
  return [
    { name: `${name}: any path`, run: many(() => choosePath(wish)) },
    { name: `${name}: to an exit`, run: many(() => choosePath({ ...wish, exit: exit.nodeId })) },
    { name: `${name}: reply path`, run: many(() => choosePath(back)) },
    { name: `${name}: loop`, run: many(() => chooseLoopPath({ ...wish, self: exit.nodeId })) },
  ];
};

/** Lists of all nodes: reading, sizes, places, paths. */
export const listBench = async (rounds: number): Promise<Section> => {
  const { list, trust, descriptor } = signedList(1000);
  const { signatures } = readDocument('network', list, Infinity);
  const reading = 'list of 1000 nodes: read';
  const signing = 'of that, 3 signatures of authorities';
  const whole = await measure(
    [
      { name: reading, run: many(() => readSignedNetwork(list, trust)) },
      { name: signing, run: many(() => signatures.map(({ isValid }) => isValid())) },
    ],
    Math.min(rounds, 5),
  );
  const single = await measure(
    [
      { name: 'descriptor: read', run: many(() => readVouchedDescriptor(descriptor)) },
      { name: 'descriptor: read, and its signature', run: many(() => readDescriptor(descriptor)) },
    ],
    rounds,
  );
  const [layers, free] = [largeNetwork(100_000, 'layers'), largeNetwork(100_000, 'free')];
  const began = performance.now();
  placesOf(layers);
  const placesMs = performance.now() - began;
  const paths = await measure([...pathJobs(layers, '100000 in layers'), ...pathJobs(free, '100000, free')], rounds);
  const sizes: Figure[] = [];
  for (const nodes of [10, 1000, 100_000]) for (const keys of [1, 2]) sizes.push(...(await sizeOf(nodes, keys)));
  const rowOf = (name: string) =>
    [...whole.rows, ...paths.rows].find((row) => row.name === name) ?? { medianUs: NaN, bestUs: NaN };
  const inUnits = (name: string, us: number) => ({ value: rowOf(name).medianUs / us, best: rowOf(name).bestUs / us });
  return {
    title: 'lists and paths',
    rows: [...whole.rows, ...single.rows, ...paths.rows],
    ratios: [
      { name: 'seconds to read a list of 1000 nodes', ...inUnits(reading, 1e6), goal: { atMost: 1 } },
      { name: 'share of authorities’ signatures in that', ...whole.ratio(signing, reading) },
      {
        name: 'descriptor: with its signature / without',
        ...single.ratio('descriptor: read, and its signature', 'descriptor: read'),
      },
      ...['100000 in layers: any path', '100000, free: any path'].map((name) => ({
        name: `${name}, ms`,
        ...inUnits(name, 1000),
        goal: { atMost: 10 },
      })),
    ],
    figures: [
      { name: 'places of 100000 nodes, once a list', value: placesMs, unit: 'ms' },
      ...sizes,
      ...differences(1000),
    ],
  };
};
