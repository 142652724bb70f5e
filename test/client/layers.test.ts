import { describe, expect, it } from 'vitest';
import { fakeNetwork, type Wrap } from '../fakes/network.js';
import type { Outbox } from '../../src/ports/mail.js';
import { minuteMs } from '../../src/base/units.js';
import { placesOf } from '../../src/path/topology.js';
import type { Strategy } from '../../src/route/strategy.js';
import { addressOfBob, letterOf, quick } from '../node/packets.js';

describe('a network in layers', () => {
  it('brings a letter and its receipt along successors, as it does loops, and nothing else goes anywhere', async () => {
    const network = fakeNetwork({
      nodes: 12,
      exits: 6,
      loopsPerInterval: 1,
      parameters: { ...quick.parameters, topology: { kind: 'layers', successors: [2, 2, 1] } },
    });
    const { client, nodes, passMs, world } = network;
    const places = placesOf(network.network) ?? expect.unreachable();
    const home = client.account.address;
    const { mailbox } = world.account(addressOfBob);
    const steps = new Set<string>();
    const noting =
      (from: string): Wrap =>
      (name, port) =>
        name !== 'outbox'
          ? port
          : new Proxy(port, {
              get: (target, method) =>
                method !== 'send'
                  ? (Reflect.get(target, method) as unknown)
                  : (...[mail, signal]: Parameters<Outbox['send']>) => {
                      steps.add(`${from} ${mail.to}`);
                      return (target as unknown as Outbox).send(mail, signal);
                    },
            });
    await client.submit(await letterOf(), [addressOfBob]);
    for (let round = 0; round < 12; round++) {
      await client.turn(noting(home));
      for (const node of nodes) await node.turn(noting(node.account.address));
      passMs(12 * 60_000);
    }
    expect(client.statuses.at(-1)?.state).toBe('delivered');
    expect(mailbox.raws()).toHaveLength(1);

    const edges = new Set(
      network.network.nodes.flatMap(({ nodeId, address }) =>
        places.successors(nodeId).map((next) => `${address} ${next.address}`),
      ),
    );
    const between = [...steps].filter((step) => step.split(' ').every((one) => one !== home && one !== addressOfBob));
    expect(between.filter((step) => !edges.has(step))).toEqual([]);
    expect(between.length).toBeGreaterThan(edges.size / 2);
    const addresses = (layer: number): readonly string[] => places.layers[layer]?.map(({ address }) => address) ?? [];
    const entries = [...steps].filter((step) => step.startsWith(home)).map((step) => step.split(' ')[1]);
    expect(entries.every((entry) => entry !== undefined && addresses(0).includes(entry))).toBe(true);
    const [lastHop] = [...steps].find((step) => step.endsWith(` ${home}`))?.split(' ') ?? [];
    expect(addresses(2)).toContain(lastHop);
  });
});

describe('a network of any strategy', () => {
  it.each<[Strategy, number]>([
    [{ kind: 'pool', minimum: 1, rate: 0.75 }, 2],
    [{ kind: 'poisson', meanMs: 5 * minuteMs }, 0],
    [{ kind: 'threshold', count: 3 }, 2],
  ])('brings a letter and its receipt: %j', async (strategy, loopsPerInterval) => {
    const network = fakeNetwork({ nodes: 6, loopsPerInterval, parameters: { strategy } });
    const { client, nodes, passMs, world } = network;
    const { mailbox } = world.account(addressOfBob);
    await client.submit(await letterOf(), [addressOfBob]);
    const delays = new Set<boolean>();
    for (let minute = 0; minute < 90 && client.statuses.at(-1)?.state !== 'delivered'; minute += 3) {
      await client.turn();
      for (const node of nodes) {
        await node.turn();
        for (const { readyAt } of node.store.waiting(Infinity)) delays.add(readyAt > network.now());
      }
      passMs(3 * minuteMs);
    }
    expect(client.statuses.at(-1)?.state).toBe('delivered');
    expect(mailbox.raws()).toHaveLength(1);
    expect(delays.has(true)).toBe(strategy.kind === 'poisson');
  });
});
