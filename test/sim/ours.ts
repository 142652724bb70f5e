import { hourMs, minuteMs } from '../../src/base/units.js';
import type { Scenario } from '../../src/sim/scenario.js';
import { ourDefaults, ours, trafficOf } from '../../src/sim/ours.js';
import { layeredParameters, worldOf } from '../../src/sim/world.js';

/** Twelve nodes of ours, small enough for tests of attacks, at which messages come in for some hours. */
export const scenarioOf = (load: number, loopsPerInterval: number, hours: number): Scenario => ({
  protocol: ours(worldOf({ nodes: 12, parameters: layeredParameters() }), { ...ourDefaults, loopsPerInterval }),
  traffic: trafficOf(load, 12, 3),
  seed: 1,
  warmUpMs: hourMs,
  measuredMs: hours * hourMs,
  drainMs: 5 * hourMs,
  transportMs: () => minuteMs,
});
