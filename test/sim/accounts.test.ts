import { describe, expect, it } from 'vitest';
import { hourMs } from '../../src/base/units.js';
import { accountsOf } from '../../src/sim/accounts.js';
import { simulate } from '../../src/sim/engine.js';
import { scenarioOf } from './ours.js';

describe('nodes at accounts of 350 mails a day', () => {
  const scenario = { ...scenarioOf(1.5, 3, 24), warmUpMs: 6 * hourMs };
  const layers = scenario.protocol.world.layers ?? [];
  // Exits hand over a mail for each message, so theirs are larger.
  const limits = layers.map((layer) => (layer === 3 ? undefined : { perDay: 350 }));
  const free = simulate(scenario);
  const limited = simulate({ ...scenario, affords: accountsOf(limits) });
  const isLimited = (node: number): boolean => layers[node] !== 3;

  it('carry 5,000 packets a day and more each', () => {
    for (const [node, packets] of limited.handled.entries()) if (isLimited(node)) expect(packets).toBeGreaterThan(5000);
  });

  it('send no more mails than that, and would without', () => {
    for (const [node, mails] of limited.relayMails.entries())
      if (isLimited(node)) expect(mails).toBeLessThanOrEqual(350);
    expect(free.relayMails.some((mails, node) => isLimited(node) && mails > 350)).toBe(true);
  });

  it('lose nothing: what has no mail waits', () => {
    expect(limited.undelivered).toBe(0);
    const middle = (times: Float64Array): number => times[times.length >> 1] ?? 0;
    expect(middle(limited.latenciesMs)).toBeGreaterThan(middle(free.latenciesMs));
    expect(middle(limited.latenciesMs)).toBeLessThan(2 * middle(free.latenciesMs));
  });
});
