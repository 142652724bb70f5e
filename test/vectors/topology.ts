import { createHash } from 'node:crypto';

/*
 * Makes topology.json from the words of docs/spec-network.md and nothing of src; test/route/vectors.test.ts compares it
 * with the file, and the file with what src finds.
 */

interface Node {
  readonly name: string;
  /** SHA-256 of "node <name>". */
  readonly id: string;
  readonly roles: readonly ('mix' | 'exit')[];
  readonly operator: string;
  /** Of its address. */
  readonly domain: string;
  readonly leaving: boolean;
}

const sha256 = (...parts: readonly (string | Buffer)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const pathLength = 3;
const successors = [3, 2, 2];
const mostPerOperator = 3;
const randomness = sha256('randomness');

const nodes = Array.from({ length: 26 }, (_, i): Node => {
  const name = `n${i}`;
  const operator = i < 10 ? 'big.example' : `p${i}.example`;
  return {
    name,
    id: sha256(`node ${name}`).toString('hex'),
    roles: i === 25 ? ['exit'] : i % 3 === 0 ? ['mix', 'exit'] : ['mix'],
    operator,
    domain: i >= 10 && i < 14 ? 'club.example' : operator,
    leaving: i === 24,
  };
});

const placeOf = ({ id }: Node): string =>
  sha256('MixMailer place 1\n', randomness, Buffer.from(id, 'hex')).toString('hex');

const assigned = (): readonly (readonly Node[])[] => {
  const able = nodes.filter(({ leaving }) => !leaving);
  able.sort((a, b) => Buffer.compare(Buffer.from(placeOf(a), 'hex'), Buffer.from(placeOf(b), 'hex')));
  const share = Math.max(1, Math.ceil(able.length / pathLength));
  const hasRoom = (layer: readonly Node[], { operator, domain }: Node): boolean =>
    layer.filter((other) => other.operator === operator).length < mostPerOperator &&
    layer.filter((other) => other.domain === domain).length < mostPerOperator;
  const last: Node[] = [];
  for (const node of able)
    if (node.roles.includes('exit') && last.length < share && hasRoom(last, node)) last.push(node);
  const others = Array.from({ length: pathLength - 1 }, (): Node[] => []);
  for (const node of able) {
    if (last.includes(node) || !node.roles.includes('mix')) continue;
    const open = others.filter((layer) => hasRoom(layer, node));
    const smallest = Math.min(...open.map(({ length }) => length));
    open.find(({ length }) => length === smallest)?.push(node);
  }
  return [...others, last];
};

const offsetsFor = (slots: number): readonly (readonly number[])[] => {
  let count = 0;
  const draw = (): number => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(count++);
    return sha256('MixMailer offsets 1\n', randomness, counter).readUIntBE(0, 6) % slots;
  };
  const first: number[] = [];
  for (let layer = 1; layer < pathLength; layer++) first.push(draw());
  let back = 0;
  while ((first.reduce((a, b) => a + b, 0) + back) % slots !== 0) back++;
  first.push(back);
  const distances: (readonly number[])[] = [];
  for (let layer = 0; layer < pathLength - 1; layer++) {
    const own = successors[layer] ?? 0;
    let ways = own;
    for (let after = layer + 1; after < pathLength - 1; after++) ways *= successors[after] ?? 0;
    distances.push(Array.from({ length: own }, (_, j) => (ways < slots ? Math.floor((j * slots) / ways) : j)));
  }
  const own = successors[pathLength - 1] ?? 0;
  const home: number[] = [];
  for (let j = 0; j < own; j++) {
    let far = 0;
    for (const some of distances) far += some[Math.floor((j * some.length) / own)] ?? 0;
    while (far > slots) far -= slots;
    home.push(slots - far === slots ? 0 : slots - far);
  }
  if (successors.some((count) => count >= slots) || new Set(home).size < own)
    throw new Error('this vector has layers that need no other rule');
  return [...distances, home].map((some, layer) => some.map((far) => ((first[layer] ?? 0) + far) % slots));
};

/** How far around its layer each node stands; and when in the interval it flushes. */
const phasesFor = (
  layers: readonly (readonly Node[])[],
  offsets: readonly (readonly number[])[],
  slots: number,
): Readonly<Record<string, string>> => {
  const phases: Record<string, string> = {};
  let turned = 0;
  layers.forEach((layer, l) => {
    layer.forEach(({ name }, number) => {
      const phase = number / layer.length - turned / slots + l / 8;
      phases[name] = (phase - Math.floor(phase)).toFixed(9);
    });
    turned += offsets[l]?.[0] ?? 0;
  });
  for (const node of nodes.filter(({ name }) => phases[name] === undefined)) {
    const number = sha256('MixMailer phase 1\n', randomness, Buffer.from(node.id, 'hex')).readUIntBE(0, 6);
    phases[node.name] = (number / 2 ** 48).toFixed(9);
  }
  return phases;
};

/** All a stranger needs to see whether a program finds the places of a list. */
export const topologyVector = (): object => {
  const layers = assigned();
  const slots = Math.max(...layers.map(({ length }) => length));
  const offsets = offsetsFor(slots);
  const following: Record<string, readonly string[]> = {};
  layers.forEach((layer, l) => {
    const next = layers[(l + 1) % pathLength] ?? [];
    layer.forEach(({ name }, index) => {
      const own = Array.from({ length: slots }, (_, slot) => slot).filter((slot) => slot % layer.length === index);
      const names = own.flatMap((slot) =>
        (offsets[l] ?? []).map((offset) => next[((slot + offset) % slots) % next.length]?.name ?? ''),
      );
      following[name] = [...new Set(names)].sort();
    });
  });
  return {
    pathLength,
    successors,
    mostPerOperator,
    randomness: randomness.toString('hex'),
    nodes: nodes.map((node) => ({ ...node, place: placeOf(node) })),
    layers: layers.map((layer) => layer.map(({ name }) => name)),
    slots,
    offsets,
    successorsOf: following,
    phaseOf: phasesFor(layers, offsets, slots),
  };
};
