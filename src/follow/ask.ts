import { type Rng, uniformInt, unitInterval } from '../base/random.js';
import { domainOf } from '../base/address.js';
import { dayMs } from '../base/units.js';
import { numberAt, timesOf, wantedNumber } from '../council/timetable.js';
import type { AskPlan, KeptConsensus } from '../ports/follow.js';
import type { Descriptor } from '../route/descriptor.js';
import { operatorOf } from '../provider/operator.js';
import type { AuthorityAddress, Network } from '../route/network.js';

/** Where lists can be asked for. */
export type Source =
  | { readonly kind: 'authority' | 'node'; readonly address: string; readonly operator: string }
  /** A folder of a web server. */
  | { readonly kind: 'url'; readonly url: string };

/** The name under which an ask is remembered. */
export const nameOf = (source: Source): string => (source.kind === 'url' ? source.url : source.address.toLowerCase());

/**
 * The nodes that can be asked. Clients leave out exits, which are to know nothing of who sends, unless there are no other
 * nodes.
 */
const nodesOf = (network: Network | undefined, prefers: 'authorities' | 'nodes'): readonly Descriptor[] => {
  const staying = (network?.nodes ?? []).filter(({ nodeId }) => network?.standings.get(nodeId)?.leaving !== true);
  const relays = staying.filter(({ roles }) => !roles.includes('exit'));
  return prefers === 'nodes' && relays.length > 0 ? relays : staying;
};

/** The sources there are. @param own addresses of the process, which are asked nothing */
export const sourcesOf = (
  { authorities, urls }: { readonly authorities: readonly AuthorityAddress[]; readonly urls: readonly string[] },
  network: Network | undefined,
  own: readonly string[],
  prefers: AskView['prefers'] = 'authorities',
): readonly Source[] => {
  const byMail: readonly Source[] = [
    ...authorities.map(({ address }) => ({
      kind: 'authority' as const,
      address,
      operator: operatorOf(domainOf(address)),
    })),
    ...nodesOf(network, prefers).map(({ nodeId, address, provider }) => ({
      kind: 'node' as const,
      address,
      operator: network?.standings.get(nodeId)?.operator ?? operatorOf(provider),
    })),
  ];
  return [
    ...byMail.filter((source) => !own.some((address) => nameOf(source) === address.toLowerCase())),
    ...urls.map((url) => ({ kind: 'url' as const, url })),
  ];
};

const kindsInTurn: Readonly<Record<'authorities' | 'nodes', readonly (readonly Source['kind'][])[]>> = {
  // Nodes bring the list from the authorities, and clients ask nodes: so an authority's account bears a large network.
  authorities: [['authority', 'url'], ['node']],
  nodes: [['node', 'url'], ['authority']],
};

const anyOf = <T>(rng: Rng, items: readonly T[]): T | undefined =>
  items.length === 0 ? undefined : items[uniformInt(rng, items.length)];

/**
 * Whom to ask next: somebody not asked yet for this list; of the kinds preferred and the others in turn, by clients
 * twice of those preferred at first; of a kind or at least of an operator not asked yet, if there is one. Within that at random, so that nobody can arrange to be
 * the one who is asked.
 *
 * @param asked names of those asked for this list, in order
 */
export const chooseSource = (
  sources: readonly Source[],
  asked: readonly string[],
  prefers: 'authorities' | 'nodes',
  rng: Rng,
): Source | undefined => {
  const before = sources.filter((source) => asked.includes(nameOf(source)));
  const fresh = sources.filter((source) => !asked.includes(nameOf(source)));
  const tiers = kindsInTurn[prefers];
  const isPreferred = prefers === 'nodes' ? asked.length < 2 || asked.length % 2 === 1 : asked.length % 2 === 0;
  const turn = isPreferred ? tiers : tiers.toReversed();
  for (const kinds of turn) {
    const here = fresh.filter(({ kind }) => kinds.includes(kind));
    const operators = new Set(before.map((source) => (source.kind === 'url' ? undefined : source.operator)));
    const others = here.filter((source) => source.kind === 'url' || !operators.has(source.operator));
    const newKinds = kinds.filter(
      (kind) => others.some((one) => one.kind === kind) && !before.some((one) => one.kind === kind),
    );
    const kind = anyOf(rng, newKinds);
    const from = kind === undefined ? (others.length > 0 ? others : here) : others.filter((one) => one.kind === kind);
    const source = anyOf(rng, from);
    if (source !== undefined) return source;
  }
  // All have been asked: the longest ago first.
  return sources.toSorted((a, b) => asked.lastIndexOf(nameOf(a)) - asked.lastIndexOf(nameOf(b)))[0];
};

export interface AskView {
  readonly periodMs: number;
  readonly newest: KeptConsensus | undefined;
  readonly plan: AskPlan | undefined;
  readonly prefers: 'authorities' | 'nodes';
  /** How many have been asked for the list of a number. */
  readonly askedFor: (number: number) => number;
}

/** Nothing more is to be done for a number. */
const never = Number.MAX_SAFE_INTEGER;

/** The list in use is about to end, or has: two rounds were missed. */
const isUrgent = ({ newest, periodMs }: AskView, now: number): boolean =>
  newest === undefined || numberAt(periodMs, now) >= newest.number + 2;

/**
 * When the list of a number is asked for first, at random, so that the time tells nobody who keeps which hours, and no
 * server is asked by all at once: by nodes in the last sixteenth of a period before it is valid, by clients in the
 * first eighth after; by who comes late, or has no list of use, soon.
 */
const firstAskAt = (view: AskView, number: number, now: number, rng: Rng): number => {
  const { periodMs, prefers } = view;
  if (isUrgent(view, now)) return now;
  const { validFrom } = timesOf(periodMs, number);
  const at =
    prefers === 'authorities'
      ? validFrom - (unitInterval(rng) * periodMs) / 16
      : validFrom + (unitInterval(rng) * periodMs) / 8;
  return at >= now ? at : now + (unitInterval(rng) * periodMs) / 32;
};

/**
 * When another source is asked whether it has the same list: once, when all should have it; where lists come more often
 * than daily, of one list a day, at random, because mails cost.
 */
const compareAt = ({ periodMs }: AskView, number: number, now: number, rng: Rng): number => {
  const { validFrom } = timesOf(periodMs, number);
  if (periodMs < dayMs && unitInterval(rng) >= periodMs / dayMs) return never;
  const from = Math.max(now, validFrom + periodMs / 8);
  const to = validFrom + (periodMs * 3) / 4;
  return from >= to ? never : from + unitInterval(rng) * (to - from);
};

/** The plan as it is at `now`: made anew for each number, and for comparing once its list is at hand. */
export const planAt = (view: AskView, now: number, rng: Rng): AskPlan => {
  const { periodMs, newest, plan } = view;
  const number = wantedNumber(periodMs, now);
  const isHeld = newest !== undefined && newest.number >= number;
  if (plan?.number === number && (plan.kind === 'compare') === isHeld) return plan;
  return isHeld
    ? { number, kind: 'compare', at: compareAt(view, number, now, rng) }
    : { number, kind: 'ask', at: firstAskAt(view, number, now, rng) };
};

/** What is to be done after somebody was asked at `now`: a mail and its answer may take an hour, or never come. */
export const planAfter = (view: AskView, { number, kind }: AskPlan, now: number, rng: Rng): AskPlan => {
  if (kind === 'compare') return { number, kind, at: never };
  const firstMs = view.periodMs / (isUrgent(view, now) ? 128 : 32);
  const waitMs = firstMs * 2 ** Math.min(view.askedFor(number), 20);
  return { number, kind, at: now + waitMs * (0.75 + unitInterval(rng) / 2) };
};
