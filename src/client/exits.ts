import { detailIn, domainOf } from '../base/address.js';
import { RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { aliasIn } from '../message/alias.js';
import type { Sending } from '../ports/client-store.js';
import type { Descriptor } from '../route/descriptor.js';
import type { Network } from '../route/network.js';
import { chooseExit } from '../path/path.js';
import type { PathWish } from '../path/path.js';
import { chooseBlockPath } from './blocks.js';
import type { Moment, PathRules } from './blocks.js';

/** How often a message is sent that nobody confirms. */
export interface RetryRules {
  /** Mean of the time between two sendings; it is drawn from half to one and a half of this. */
  readonly intervalMs: number;
  /** Sendings to one exit without an answer, after which another one is tried. */
  readonly otherExitAfter: number;
}

export interface ExitDeps {
  readonly rng: Rng;
  readonly rules: PathRules;
  /** Undefined: the client hears nothing from its exits, and needs no way back from them. */
  readonly receipts: { readonly retry: RetryRules } | undefined;
}

/** The exit whose alias that address is: it takes the message itself, as a reply to whom the alias stands for. */
const exitOfAlias = ({ nodes }: Network, recipient: string): Descriptor | undefined =>
  nodes.find(
    ({ roles, address }) => roles.includes('exit') && aliasIn(detailIn(address, recipient) ?? '') !== undefined,
  );

/** What a path to this recipient has to be. */
export const wishFor = ({ rng, rules }: ExitDeps, recipient: string, { network, now }: Moment): PathWish => {
  const exit = exitOfAlias(network, recipient)?.nodeId;
  return {
    network,
    now,
    rng,
    length: network.parameters.pathLength,
    recipientDomains: exit === undefined ? [domainOf(recipient)] : [],
    ...(exit === undefined ? {} : { exit }),
    ...rules,
  };
};

/** The same wish, with none of these as the exit. */
const without = (wish: PathWish, exits: readonly NodeId[]): PathWish => ({
  ...wish,
  avoidExits: new Set([...(wish.avoidExits ?? []), ...exits]),
});

/** What comes of it, or the RouteError it throws. */
export const unlessNoPath = <T>(choose: () => T): T | RouteError => {
  try {
    return choose();
  } catch (error) {
    if (error instanceof RouteError) return error;
    throw error;
  }
};

/**
 * An exit to which a path leads, and from which one leads back if that is needed.
 *
 * @throws RouteError `route/no-path`
 */
export const pickExit = (deps: ExitDeps, wish: PathWish): Descriptor => {
  const unfit: NodeId[] = [];
  let objection: RouteError | undefined;
  for (;;) {
    const exit = unlessNoPath(() => chooseExit(without(wish, unfit)));
    if (exit instanceof RouteError) throw objection ?? exit;
    if (deps.receipts === undefined) return exit;
    const back = unlessNoPath(() => chooseBlockPath(deps, exit, wish));
    if (!(back instanceof RouteError)) return exit;
    objection ??= back;
    unfit.push(exit.nodeId);
  }
};

/** Where a message goes next. */
export interface Target {
  readonly exit: Descriptor;
  /** What that exit has of it and said, as far as it counts; undefined if it is new. */
  readonly known: Sending | undefined;
}

/**
 * The exit for the next sending of a message: the one that had it last, while that one answers; else one that never had
 * it; else one that had it, the one first that had it longest ago, from the beginning.
 *
 * @param sendings as the store has them, the last one first
 * @returns undefined when every exit there is has said that it will not hand the message over
 * @throws RouteError `route/no-path`
 */
export const nextTarget = (deps: ExitDeps, wish: PathWish, sendings: readonly Sending[]): Target | undefined => {
  const otherExitAfter = deps.receipts?.retry.otherExitAfter ?? Infinity;
  const again = (known: Sending): Target | undefined => {
    if (known.closed !== undefined) return undefined;
    const exit = unlessNoPath(() => pickExit(deps, { ...wish, exit: known.exit }));
    return exit instanceof RouteError ? undefined : { exit, known };
  };
  const [current] = sendings;
  const same = current && current.unanswered < otherExitAfter ? again(current) : undefined;
  if (same !== undefined) return same;
  const fresh = unlessNoPath(() =>
    pickExit(
      deps,
      without(
        wish,
        sendings.map(({ exit }) => exit),
      ),
    ),
  );
  if (!(fresh instanceof RouteError)) return { exit: fresh, known: undefined };
  for (const earlier of sendings.toReversed()) {
    const target = again({ ...earlier, confirmed: [], unanswered: 0 });
    if (target !== undefined) return target;
  }
  if (current === undefined || sendings.some(({ closed }) => closed === undefined)) throw fresh;
  // There is a way, only none to an exit that wants the message.
  pickExit(deps, wish);
  return undefined;
};
