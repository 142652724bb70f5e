import { type Rng, shuffled, streamRng, uniformInt } from '../base/random.js';
import { minuteMs } from '../base/units.js';
import type { NetworkParameters } from '../route/network.js';
import { binomialPool, freeRoutes } from './peers.js';
import { noCover, type Protocol, type Routes, type Way } from './protocol.js';
import { ourRoutes } from './routes.js';
import { layeredParameters, type World, worldOf } from './world.js';

/* The networks by which the first defaults were chosen, before there was a program: plain pools, messages and nothing else. */

/** Who follows whom: any node any other, or `successors` of them; in one heap or in layers. */
export interface Reference {
  readonly topology: 'free' | 'layers';
  /** Undefined: all. */
  readonly successors: number | undefined;
  readonly rate: number;
  readonly minimum: number;
}

/**
 * What a sketch of a simulation had found: 30 nodes, load 1, 12 minutes. docs/anonymity.md says where it differs, and why.
 */
export interface Sketched extends Reference {
  readonly medianLatencyMin: number;
  readonly p99LatencyMin: number;
  readonly recipientEntropyBits: number;
  readonly recipientEntropyMinBits: number;
  readonly relayMailsPerNodeDay: number;
}

const sketched = (
  [topology, successors, rate, minimum]: readonly [Reference['topology'], number | undefined, number, number],
  [medianLatencyMin, p99LatencyMin]: readonly [number, number],
  [recipientEntropyBits, recipientEntropyMinBits]: readonly [number, number],
  relayMailsPerNodeDay: number,
): Sketched => ({
  ...{ topology, successors, rate, minimum },
  ...{ medianLatencyMin, p99LatencyMin, recipientEntropyBits, recipientEntropyMinBits, relayMailsPerNodeDay },
});

export const sketch: readonly Sketched[] = [
  sketched(['free', undefined, 0.6, 4], [40, 116], [8.87, 8.13], 819),
  sketched(['free', 3, 0.9, 2], [25, 60], [7.38, 5.9], 329),
  sketched(['layers', undefined, 0.9, 2], [24, 60], [8.41, 8.12], 551),
  sketched(['layers', 4, 0.9, 2], [24, 60], [8.08, 7.76], 300),
  sketched(['layers', 3, 0.9, 2], [24, 59], [7.55, 7.06], 233),
  sketched(['layers', 3, 0.6, 4], [39, 113], [8.75, 8.39], 234),
];

const hops = 3;

/** Walks over different nodes, from each to one of as many others, drawn once. */
const walks = (nodes: number, successors: number, seed: number): Routes => {
  const draw = streamRng(seed);
  const all = Array.from({ length: nodes }, (_, node) => node);
  const next = all.map((node) =>
    shuffled(
      draw,
      all.filter((one) => one !== node),
    ).slice(0, successors),
  );
  const walk = (rng: Rng): Way => {
    const way = [uniformInt(rng, nodes)];
    while (way.length < hops) {
      const able = (next[way.at(-1) ?? 0] ?? []).filter((node) => !way.includes(node));
      // A dead end, where all successors have been passed: begin anew.
      const node = able[uniformInt(rng, Math.max(1, able.length))];
      if (node === undefined) return walk(rng);
      way.push(node);
    }
    return way;
  };
  const none = (): undefined => undefined;
  return { message: walk, loop: none, drop: none, clientDrop: none, answer: undefined };
};

/** One of those networks, in the program's own simulator. */
export const referenceProtocol = (
  { topology, successors, rate, minimum }: Reference,
  { nodes, seed }: { readonly nodes: number; readonly seed: number },
): Protocol => {
  const intervalMs = 12 * minuteMs;
  const many = successors ?? nodes;
  const parameters: NetworkParameters = {
    ...layeredParameters(intervalMs),
    pathLength: hops,
    topology: topology === 'free' ? { kind: 'free' } : { kind: 'layers', successors: [many, many, many] },
  };
  const world: World = worldOf({ nodes, parameters, seed });
  const routes = (): Routes => {
    if (topology === 'layers') return { ...ourRoutes(world), answer: undefined };
    return successors === undefined ? freeRoutes(world, () => hops, hops) : walks(nodes, successors, seed);
  };
  return {
    name: 'reference',
    world,
    hops,
    routes: routes(),
    mixing: binomialPool(world, { intervalMs, minimum, rate }),
    cover: noCover,
    mails: 'bundles',
  };
};
