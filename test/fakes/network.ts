import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { parseMail } from '../../src/adapters/mime.js';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { inlineUnwrapper } from '../../src/adapters/unwrap-workers.js';
import { MailError, RouteError } from '../../src/base/errors.js';
import type { NodeId } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import type { Rng } from '../../src/base/random.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { runClient } from '../../src/client/client.js';
import type { ClientDeps } from '../../src/client/client.js';
import { collectOnce } from '../../src/client/collect.js';
import type { RetryRules } from '../../src/client/exits.js';
import { deliverInbound, toInbox } from '../../src/client/inbound.js';
import { isSlotDue, slotOnce } from '../../src/client/pace.js';
import { forgetOnce, mustReach, sendOnce } from '../../src/client/send.js';
import { packetsPerNode, packetsPerSender } from '../../src/base/bounds.js';
import type { Following } from '../../src/follow/following.js';
import type { Limits } from '../../src/provider/provider.js';
import { submitMail } from '../../src/client/submit.js';
import type { Submitted } from '../../src/client/submit.js';
import type { Pace } from '../../src/cover/pace.js';
import type { Reserve } from '../../src/mix/strategy.js';
import { settleDelivery } from '../../src/node/answers.js';
import { flushOnce } from '../../src/node/flush.js';
import { runMixNode } from '../../src/node/mix-node.js';
import { Intake } from '../../src/post/intake.js';
import type { IntakeRates } from '../../src/post/intake.js';
import { receiveOnce } from '../../src/node/receive.js';
import { Tally } from '../../src/node/tally.js';
import type { ReassemblyBounds } from '../../src/message/reassembly.js';
import type { KeyStore } from '../../src/ports/keys.js';
import type { Log } from '../../src/ports/log.js';
import type { Directory } from '../../src/ports/network.js';
import type { LiveKey } from '../../src/ports/unwrapper.js';
import type { ClientStore, MessageStatus } from '../../src/ports/client-store.js';
import type { MixStore } from '../../src/ports/mix-store.js';
import type { Ticker } from '../../src/ports/ticker.js';
import { accountBudget } from '../../src/post/account.js';
import { Reading } from '../../src/post/aside.js';
import { postDue } from '../../src/post/post.js';
import type { PostDeps } from '../../src/post/post.js';
import { SummedLog } from '../../src/post/summed-log.js';
import type { Network, NetworkParameters } from '../../src/route/network.js';
import type { SphinxCrypto } from '../../src/sphinx/crypto.js';
import { castOf } from './cast.js';
import { fakeMailWorld } from './mail-world.js';
import type { FakeAccount, FakeMailWorld } from './mail-world.js';

/** Changes a port on its way into a job; the identity where no fault is wanted. */
export type Wrap = <T extends object>(name: string, port: T) => T;
const untouched: Wrap = (_name, port) => port;

const usualCrypto = chooseCrypto();
const signal = new AbortController().signal;

export interface FakeNode {
  readonly nodeId: NodeId;
  /** Its mix key. */
  readonly key: LiveKey;
  readonly account: FakeAccount;
  readonly store: MixStore;
  readonly tally: Tally;
  /** All that it has counted in its log so far, by name. */
  readonly counted: () => Readonly<Record<string, number>>;
  /** Every line of its log. */
  readonly logged: readonly string[];
  /** The list this one has from now on; undefined: none that is valid. */
  readonly sees: (network: Network | undefined) => void;
  /** Its process has joined a network, and keeps its list up to date like that; until then its list is a file. */
  readonly joins: (following: Following) => void;
  /** The last of its jobs alone. */
  readonly post: (wrap?: Wrap) => Promise<void>;
  /** One round of all jobs: receive, flush, post. */
  readonly turn: (wrap?: Wrap) => Promise<void>;
  /** The jobs themselves, as a process runs them. */
  readonly run: (ticker: Ticker, stop: AbortSignal, wrap?: Wrap) => Promise<void>;
  /** From now on its process is another one, with that store and these keys. */
  readonly become: (store: MixStore, keys: () => readonly LiveKey[]) => void;
}

export interface FakeClient {
  readonly account: FakeAccount;
  /** Every warning of its log. */
  readonly warnings: readonly string[];
  /** Every line of its log. */
  readonly logged: readonly string[];
  readonly sees: (network: Network | undefined) => void;
  /** It has joined a network, and keeps its list up to date like that; until then its list is a file. */
  readonly joins: (following: Following) => void;
  readonly store: ClientStore;
  /** All that it has told of its messages, in order. */
  readonly statuses: readonly MessageStatus[];
  readonly submit: (raw: Uint8Array, recipients: readonly string[], wrap?: Wrap) => Promise<readonly Submitted[]>;
  /** One round of all jobs: collect, deliver to the own inbox, send, post. Without its mailbox the last two. */
  readonly turn: (wrap?: Wrap) => Promise<void>;
  /** Ends the process and starts another one on the same store, which has to be in a file. @param elsewhere on that file */
  readonly restart: (elsewhere?: string) => void;
  /** The jobs themselves, as a process runs them. */
  readonly run: (ticker: Ticker, stop: AbortSignal, wrap?: Wrap) => Promise<void>;
}

/** A whole network on mailboxes in memory, whose time stands still until it is moved. */
export interface FakeNetwork {
  readonly world: FakeMailWorld;
  readonly network: Network;
  readonly nodes: readonly FakeNode[];
  readonly client: FakeClient;
  readonly rng: Rng;
  readonly passMs: (ms: number) => void;
  readonly now: () => number;
}

export interface FakeNetworkOptions {
  readonly seed?: number;
  readonly nodes?: number;
  readonly parameters?: Partial<NetworkParameters>;
  readonly loopsPerInterval?: number;
  readonly dropsPerInterval?: number;
  readonly bounds?: Partial<ReassemblyBounds>;
  readonly strictest?: Reserve;
  /** What the nodes' accounts may send; whatever they want to, if nothing is said. They are old accounts. */
  readonly limits?: Limits;
  /** How much the nodes read of whom; as usual, if nothing is said. */
  readonly rates?: IntakeRates;
  readonly isExit?: boolean;
  /** How many of the nodes are exits: the first ones. All, if nothing is said. */
  readonly exits?: number;
  readonly replyTo?: 'plus' | 'message-id';
  readonly clearReplies?: 'refuse' | 'carry';
  readonly senderProvider?: string;
  readonly client?: FakeClientOptions;
  /** What keys and packets are made with; the usual, if nothing is said. */
  readonly crypto?: SphinxCrypto;
}

/** What the user has configured. */
export interface FakeClientOptions {
  /** `false`: the mailbox is not read. With paths of three, receipts need four nodes. */
  readonly receipts?: false;
  readonly retry?: Partial<RetryRules> & { readonly giveUpMs?: number };
  readonly replyBlocks?: number;
  /** `none` where no notice can be brought: if nothing is said, without receipts. */
  readonly notices?: 'hide-recipient' | 'name-recipient' | 'none';
  /** Unless it is said all that waits leaves at each turn, a packet a mail, and nothing else. */
  readonly pace?: Pace;
  readonly floorBits?: number;
  /** What its packets are made with; what all of the network's are, if nothing is said. */
  readonly crypto?: SphinxCrypto;
  /** What the account may send, for the pace; as much as it wants to, if nothing is said. */
  readonly mailsPerDay?: number;
  /** Where its store is kept; in memory, if nothing is said. */
  readonly file?: string;
}

/** All slots at once. */
const atOnce: Pace = { meanMs: 0, packets: 1, cover: false, questions: 0 };

/** A list without that node. */
export const without = (network: Network, nodeId: NodeId): Network => {
  const nodes = network.nodes.filter((node) => node.nodeId !== nodeId);
  return { ...network, nodes, byId: new Map(nodes.map((node) => [node.nodeId, node])) };
};

/** A directory of one's own, whose list can change. */
const directoryOf = (network: Network): { directory: Directory; sees: (network: Network | undefined) => void } => {
  let seen: Network | undefined = network;
  const list = (): Network => {
    if (seen === undefined) throw new RouteError('route/expired', 'the network list was valid until yesterday');
    return seen;
  };
  return { directory: { network: list }, sees: (next) => (seen = next) };
};

const startAt = Date.UTC(2026, 0, 15, 12);

/** Each node is at a provider of its own; nothing is random but by the seed. */
export const fakeNetwork = (options: FakeNetworkOptions = {}): FakeNetwork => {
  const rng = seededRng(new Uint8Array(32).fill(options.seed ?? 1));
  const world = fakeMailWorld();
  let now = startAt;
  const clock = { now: () => now };
  const { limits } = options;
  const crypto = options.crypto ?? usualCrypto;
  const cast = castOf(crypto, rng, { nodes: options.nodes ?? 4, exits: options.exits ?? Infinity, startAt });
  const signed = cast.network;
  const network: Network = { ...signed, parameters: { ...signed.parameters, ...options.parameters } };

  const nodes = cast.members.map(({ address, key, nodeId: self, ...member }): FakeNode => {
    const isExit = member.isExit && (options.isExit ?? true);
    const account = world.account(address);
    let kept: MixStore = sqliteMixStore(':memory:');
    let keys = (): readonly LiveKey[] => [key];
    const tally = new Tally();
    const { directory, sees } = directoryOf(network);
    const counts = new Map<string, number>();
    const logged: string[] = [];
    const log: Log = {
      info: (event, counted = {}) => {
        logged.push(`${event} ${JSON.stringify(counted)}`);
        if (event !== 'mix') return;
        for (const [name, count] of Object.entries(counted)) counts.set(name, (counts.get(name) ?? 0) + Number(count));
      },
      warn: (event, counted = {}) => {
        logged.push(`${event} ${JSON.stringify(counted)}`);
        counts.set(event, (counts.get(event) ?? 0) + 1);
      },
    };
    // Kept from turn to turn: making its key ready costs more than ten packets.
    const unwrapper = inlineUnwrapper(crypto);
    const rates = options.rates ?? { perSender: packetsPerSender, perNode: packetsPerNode };
    let intake = new Intake(rates);
    const unstored: PostDeps['unstored'] = new Map();
    const depsOf = (wrap: Wrap) => {
      const store = wrap('store', kept);
      return {
        store,
        unstored,
        inbox: wrap('inbox', account.inbox),
        outbox: wrap('outbox', account.outbox),
        budget: limits && accountBudget(store, { limits, since: startAt - 90 * dayMs, now }),
        unwrapper,
        intake,
        parse: parseMail,
        base64: nodeBase64,
        clock,
        tally,
        crypto,
        rng,
        directory,
        self,
        log,
        from: address,
        keys: () => keys(),
        bench: () => {
          const { byId } = directory.network(now);
          return { isExit, knows: (id: NodeId) => byId.has(id) };
        },
        strictest: options.strictest ?? { minimum: 0, rate: 1 },
        loopsPerInterval: options.loopsPerInterval ?? 0,
        dropsPerInterval: options.dropsPerInterval ?? 0,
        bounds: {
          maxMessageBytes: 6_000_000,
          maxOpenMessages: 100,
          maxFragments: 10_000,
          expiryMs: 48 * hourMs,
          ...options.bounds,
        },
        forgetMs: 15 * dayMs,
        replyTo: options.replyTo ?? 'plus',
        clearReplies: options.clearReplies ?? 'refuse',
      };
    };
    const post = async (wrap = untouched): Promise<void> => {
      const deps = depsOf(wrap);
      try {
        await postDue({ ...deps, ended: (mail, end, at) => settleDelivery(deps, mail, end, at) }, signal);
      } catch (error) {
        // As a process that was killed: the next one knows nothing of what this one has seen.
        unstored.clear();
        throw error;
      }
    };
    const turn = async (wrap = untouched): Promise<void> => {
      const deps = depsOf(wrap);
      try {
        await receiveOnce(deps, signal);
        flushOnce(deps);
      } catch (error) {
        intake = new Intake(rates);
        throw error;
      }
      await post(wrap);
    };
    const keyStore: KeyStore = {
      // No descriptor is signed in a network whose list is given.
      identity: () => new Uint8Array(32),
      mixKeys: () => (network.byId.get(self)?.mixKeys ?? []).map((listed) => ({ ...listed, ...key })),
      destroyExpired: () => [],
    };
    let following: Following | undefined;
    const joins = (by: Following): void => void (following = by);
    const run = (ticker: Ticker, stop: AbortSignal, wrap = untouched): Promise<void> =>
      runMixNode({ ...depsOf(wrap), log: new SummedLog(log), keyStore, ticker, following, pollMs: minuteMs }, stop);
    const counted = (): Readonly<Record<string, number>> => Object.fromEntries(counts);
    const become = (store: MixStore, live: () => readonly LiveKey[]): void => {
      kept = store;
      keys = live;
    };
    return {
      ...{ nodeId: self, key, account, tally, counted, logged, sees, joins, post, turn, run, become },
      get store() {
        return kept;
      },
    };
  });

  const account = world.account('alice@home.test');
  const { file = ':memory:' } = options.client ?? {};
  let kept = sqliteClientStore(file);
  const { directory, sees } = directoryOf(network);
  const warnings: string[] = [];
  const logged: string[] = [];
  const note = (event: string, counted: object = {}): void => void logged.push(`${event} ${JSON.stringify(counted)}`);
  const log: Log = {
    info: note,
    warn: (event, counted) => {
      warnings.push(event);
      note(event, counted);
    },
  };
  const {
    receipts,
    retry: { giveUpMs = 120 * hourMs, ...retry } = {},
    replyBlocks = 0,
    notices = receipts === false ? 'none' : 'hide-recipient',
    pace,
    floorBits = 0,
    mailsPerDay,
  } = options.client ?? {};
  const statuses: MessageStatus[] = [];
  let readAt = -Infinity;
  let following: Following | undefined;
  let reading = new Reading({ clock, log });
  const depsWith = (wrap: Wrap): Omit<ClientDeps, 'ticker' | 'log'> & { readonly log: Log } => {
    const inbox = wrap('inbox', account.inbox);
    return {
      store: wrap('store', kept),
      // Each turn may be one of a process that was killed before.
      unstored: new Map(),
      outbox: wrap('outbox', account.outbox),
      crypto: options.client?.crypto ?? crypto,
      base64: nodeBase64,
      rng,
      clock,
      log,
      directory,
      following,
      from: account.address,
      rules: { senderProvider: options.senderProvider ?? 'home.test', allow: new Set() },
      receipts:
        receipts === false
          ? undefined
          : {
              retry: { intervalMs: 6 * hourMs, otherExitAfter: 2, ...retry },
              inbox,
              parse: parseMail,
              pollMs: minuteMs,
            },
      deliver: notices === 'none' ? undefined : toInbox(inbox),
      notices,
      onStatus: (status) => statuses.push(status),
      pace: pace ?? atOnce,
      floorBits,
      giveUpMs,
      forgetMs: 7 * dayMs,
    };
  };
  const client: FakeClient = {
    account,
    warnings,
    logged,
    sees,
    joins: (by) => (following = by),
    get store() {
      return kept;
    },
    statuses,
    restart: (elsewhere = file) => {
      kept.close();
      kept = sqliteClientStore(elsewhere);
      readAt = -Infinity;
      reading = new Reading({ clock, log });
    },
    submit: (raw, recipients, wrap = untouched) => {
      const deps = depsWith(wrap);
      return submitMail(
        {
          ...deps,
          parse: parseMail,
          keyIds: 'hide',
          ownKeys: new Set(),
          replyBlocks: deps.receipts && replyBlocks,
          mustReach: (recipient, at) => mustReach(deps, recipient, at),
        },
        { raw, recipients },
      );
    },
    turn: async (wrap = untouched) => {
      const deps = depsWith(wrap);
      try {
        if (deps.receipts !== undefined) await collectOnce({ ...deps, ...deps.receipts, reading }, signal);
        readAt = now;
        if (deps.deliver !== undefined) await deliverInbound({ ...deps, deliver: deps.deliver }, signal);
      } catch (error) {
        // The other jobs go on, as in a running client.
        if (!(error instanceof MailError)) throw error;
        warnings.push(error.code);
      }
      sendOnce(deps, readAt);
      for (let left = Infinity, before = Infinity; left > 0; before = left) {
        const paced = mailsPerDay === undefined ? deps : { ...deps, budget: { perDay: () => mailsPerDay } };
        if (isSlotDue(paced)) slotOnce(paced);
        await postDue(deps, signal);
        left = kept.waiting(now).length;
        if (pace !== undefined || left === before) break;
      }
      forgetOnce(deps);
    },
    run: (ticker, stop, wrap = untouched) => runClient({ ...depsWith(wrap), log: new SummedLog(log), ticker }, stop),
  };
  return { world, network, nodes, client, rng, passMs: (ms) => (now += ms), now: () => now };
};
