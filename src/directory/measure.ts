import type { NodeId } from '../base/ids.js';
import type { ProbeResult } from '../ports/authority.js';
import type { Standing } from '../route/network.js';

/** What the probes through a node came to. */
export interface Measured extends Pick<Standing, 'deliveredPerMille' | 'medianMs' | 'p90Ms'> {
  /** Probes whose end is known. */
  readonly ended: number;
  readonly home: number;
}

/** The value below which that part of the values lies, of at least one value: nearest rank. */
const percentile = (sorted: readonly number[], part: number): number | undefined =>
  sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];

/**
 * Which part of the probes came home, and how long one hop took, mail included: the time of a probe divided by its
 * hops. One that is home counts as soon as it is there; one that is not counts as lost when its time is over.
 *
 * @param waitMs how long a probe may be on its way
 */
export const measure = (
  results: readonly ProbeResult[],
  { waitMs, now }: { readonly waitMs: number; readonly now: number },
): ReadonlyMap<NodeId, Measured> => {
  const bySubject = new Map<NodeId, ProbeResult[]>();
  for (const result of results) {
    const { subject, sentAt, homeAt } = result;
    // What no server has taken yet says nothing of any node.
    if (sentAt === undefined || (homeAt === undefined && now - sentAt <= waitMs)) continue;
    const known = bySubject.get(subject);
    if (known === undefined) bySubject.set(subject, [result]);
    else known.push(result);
  }
  return new Map(
    [...bySubject].map(([subject, ended]) => {
      const times = ended
        .flatMap(({ sentAt = 0, homeAt, hops }) => (homeAt === undefined ? [] : [Math.max(0, homeAt - sentAt) / hops]))
        .toSorted((a, b) => a - b);
      return [
        subject,
        {
          ended: ended.length,
          home: times.length,
          deliveredPerMille: Math.round((1000 * times.length) / ended.length),
          medianMs: percentile(times, 0.5),
          p90Ms: percentile(times, 0.9),
        },
      ];
    }),
  );
};

/** Whether a node may be on the way of a probe about another one. */
export const isReliable = (measured: Measured | undefined): boolean => (measured?.deliveredPerMille ?? 1000) >= 700;
