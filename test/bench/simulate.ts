import { chacha20 } from '@noble/ciphers/chacha.js';
import { minuteMs } from '../../src/base/units.js';
import { compareDefaults, ourTrial } from '../../src/sim/compare.js';
import { simulate } from '../../src/sim/engine.js';
import type { Section } from './measure.js';

/** Key stream, 64 KB at a time, as the simulator draws it: what it would be limited by if it did nothing else. */
const megabytesPerSecond = (): number => {
  const [key, nonce, block] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array(65_536)];
  const begin = process.cpuUsage().user;
  for (let i = 0; i < 800; i++) chacha20(key, nonce, block);
  return (800 * block.length) / (process.cpuUsage().user - begin);
};

/** How many packets the simulator moves through nodes in a second of one core; processor time, so that others don't count. */
export const simulateBench = (): Promise<Section> => {
  const reference = megabytesPerSecond();
  const rates = [30, 1000].map((nodes) => {
    // About 800,000 packet-hops each: two days of 30 nodes, two hours of 1000.
    const hours = nodes === 30 ? 48 : 2;
    const trial = { ...ourTrial({ ...compareDefaults, nodes, days: hours / 24 }), warmUpMs: 0, drainMs: 0 };
    const begin = process.cpuUsage().user;
    const { packetHops, messages } = simulate({ transportMs: () => minuteMs, ...trial });
    const seconds = (process.cpuUsage().user - begin) / 1e6;
    return { nodes, perSecond: packetHops / seconds, messages };
  });
  return Promise.resolve({
    title: 'simulator, one core',
    rows: [],
    ratios: rates.map(({ nodes, perSecond }) => ({
      name: `1000 packet-hops a second, ${nodes} nodes`,
      value: perSecond / 1000,
      best: perSecond / 1000,
      goal: { atLeast: 100 },
    })),
    figures: [{ name: 'reference: ChaCha20 key stream', value: reference, unit: 'MB/s' }],
  });
};
