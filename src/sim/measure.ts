import { minuteMs } from '../base/units.js';
import { simulate } from './engine.js';
import { type Finding, findRecipients, findSenders, type HopSight, type Observed } from './observer.js';
import { Recording } from './recording.js';
import type { Outcome, Scenario } from './scenario.js';

/** What is run, and how long. */
export interface Trial
  extends
    Pick<Scenario, 'protocol' | 'traffic' | 'seed' | 'measuredMs' | 'warmUpMs' | 'drainMs'>,
    Partial<Pick<Scenario, 'transportMs'>> {
  /** Messages whose link the observer looks for. */
  readonly targets: number;
}

/** What two observers make of the messages of a run: one that knows how many hops they have, and one that doesn't. */
export interface Sights {
  readonly blind: readonly Finding[];
  readonly aware: readonly Finding[];
}

/** What an observer finds out of a run, and what the run costs. Of messages sent in the measured time. */
export interface Measured {
  readonly outcome: Outcome;
  readonly recipients: Sights;
  readonly senders: Sights;
}

const aMinute = (): number => minuteMs;

/** The part p of all values lies below this; the values ascend. */
export const quantile = (ascending: ArrayLike<number>, p: number): number =>
  ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * p))] ?? NaN;

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** One run without anybody who watches. */
export const run = (trial: Trial): Outcome => simulate({ transportMs: aMinute, ...trial });

/** One run, and what the observer makes of it. */
export const measure = (trial: Trial): Measured => {
  const { protocol, warmUpMs, measuredMs, targets: most } = trial;
  const recording = new Recording();
  const outcome = simulate({ transportMs: aMinute, ...trial, see: recording.see });
  const { sightings } = recording;
  const targets = recording.targets(most, { from: warmUpMs, until: warmUpMs + measuredMs });
  const { layers, network } = protocol.world;
  const observed: Observed = {
    nodes: network.nodes.length,
    sight: layers === undefined ? { kind: 'blind' } : { kind: 'layers', layers },
    chance: protocol.mixing.chance,
    ages: protocol.mixing.intervalMs === 0 ? 'none' : 'two',
  };
  // In layers nobody is blind; and where senders draw how many hops there are, nobody knows.
  const aware: HopSight | undefined =
    layers === undefined && protocol.hops !== undefined ? { kind: 'counting', hops: protocol.hops } : undefined;
  const sightsOf = (find: typeof findRecipients): Sights => {
    const blind = find(sightings, targets, observed);
    return { blind, aware: aware === undefined ? blind : find(sightings, targets, { ...observed, sight: aware }) };
  };
  return { outcome, recipients: sightsOf(findRecipients), senders: sightsOf(findSenders) };
};
