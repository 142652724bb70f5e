import { expect, it } from 'vitest';
import { streamRng } from '../../src/base/random.js';
import { chooseLoopPath, choosePath } from '../../src/path/path.js';
import { ourRoutes } from '../../src/sim/routes.js';
import { layeredParameters, type World, worldOf } from '../../src/sim/world.js';

const layered = worldOf({ nodes: 30, parameters: layeredParameters() });
const free = worldOf({ nodes: 30, parameters: { ...layeredParameters(), topology: { kind: 'free' } } });
const any = { now: 0, senderProvider: 'a-sender.example', recipientDomains: [], allow: new Set<never>() };
const node = 4;

it.each([
  ['layers', layered],
  ['any node after any other', free],
])('draws what clients and nodes draw: %s', (_, world: World) => {
  const { network, indexOf } = world;
  const self = network.nodes[node]?.nodeId;
  if (self === undefined) throw new Error('no such node');
  const routes = ourRoutes(world);
  const [ways, rng] = [streamRng(3), streamRng(3)];
  const wish = { ...any, network, rng, length: network.parameters.pathLength };
  const numbers = (path: ReturnType<typeof choosePath>): unknown => path.map(({ nodeId }) => indexOf.get(nodeId));
  for (let i = 0; i < 20; i++) {
    expect(routes.message(ways)).toEqual(numbers(choosePath(wish)));
    expect(routes.clientDrop(ways)).toEqual(numbers(choosePath(wish)));
    expect(routes.drop(ways, node)?.slice(1)).toEqual(numbers(choosePath(wish)));
    expect(routes.loop(ways, node)?.slice(1)).toEqual(numbers(chooseLoopPath({ ...wish, self })));
    expect(routes.answer?.(ways, node)?.slice(1)).toEqual(
      numbers(choosePath({ ...wish, from: self, lastRole: 'mix' })),
    );
  }
  const [entry = 0] = routes.message(streamRng(9));
  const first = network.nodes[entry]?.nodeId;
  if (first === undefined) throw new Error('no such node');
  expect(routes.clientDrop(ways, entry)).toEqual(numbers(choosePath({ ...wish, entry: first })));
});

it('draws with the generator of the run, also in a second run', () => {
  const routes = ourRoutes(layered);
  const tenFrom = (seed: number): unknown => {
    const rng = streamRng(seed);
    return Array.from({ length: 10 }, () => routes.message(rng));
  };
  const once = tenFrom(1);
  expect(tenFrom(2)).not.toEqual(once);
  expect(tenFrom(1)).toEqual(once);
});

it('says why there is no path', () => {
  const world = worldOf({ nodes: 9, operators: 2, parameters: layeredParameters() });
  expect(() => ourRoutes(world).message(streamRng(1))).toThrow(/rule same-provider/);
});
