import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs } from '../../src/base/units.js';
import { sliceDirectoryMail } from '../../src/carrier/directory-mail.js';
import { documentsIn, type FoundDocument } from '../../src/council/documents.js';
import { answerCache, usualAnswerBounds } from '../../src/follow/answer.js';
import {
  followedBounds,
  type FollowDeps,
  followOnce,
  knownAccounts,
  takeFollowed,
  trustOf,
} from '../../src/follow/follow.js';
import { keptNetwork } from '../../src/follow/kept-network.js';
import { directoryReading, type DocumentMail, readDirectoryMails } from '../../src/follow/mails.js';
import type { Inbox } from '../../src/ports/mail.js';
import type { Directory } from '../../src/ports/network.js';
import type { ClientStore } from '../../src/ports/client-store.js';
import { postDue } from '../../src/post/post.js';
import { fakeMailWorld, type FakeAccount, type FakeMailWorld } from '../fakes/mail-world.js';
import { now as startAt } from '../route/nodes.js';
import { authorities } from './lists.js';

const signal = new AbortController().signal;

/** Somebody who follows the lists of a network, on a mailbox in memory; time stands still until it is moved. */
export interface Follower {
  readonly account: FakeAccount;
  readonly store: ClientStore;
  readonly deps: FollowDeps;
  readonly directory: Directory;
  /** Lines of its log. */
  readonly logged: readonly string[];
  readonly take: (document: string | FoundDocument, mail?: Partial<DocumentMail>) => boolean;
  /** Asks if it is time, and posts. */
  readonly follow: () => Promise<void>;
  /** All that can be read now. */
  readonly read: (inbox?: Inbox) => Promise<void>;
  /** What is read at once. @returns whether there may be more */
  readonly readSome: (inbox?: Inbox) => Promise<boolean>;
  readonly post: () => Promise<void>;
  /** Ends the process and starts another one on the same store, which has to be in a file. */
  readonly restart: () => void;
}

export interface FollowerOptions extends Partial<Omit<FollowDeps, 'store'>> {
  readonly file?: string;
  readonly seed?: number;
}

export interface FollowWorld {
  readonly mail: FakeMailWorld;
  readonly now: () => number;
  readonly setNow: (at: number) => void;
  readonly follower: (address: string, options?: FollowerOptions) => Follower;
}

const kindOf = (text: string): string => /^mixmailer-([a-z-]+) /.exec(text)?.[1] ?? '';

export const followWorld = (): FollowWorld => {
  const mail = fakeMailWorld();
  let now = startAt;
  const clock = { now: () => now };
  const follower = (address: string, { file = ':memory:', seed = 1, ...more }: FollowerOptions = {}): Follower => {
    const account = mail.account(address);
    let kept = sqliteClientStore(file);
    const logged: string[] = [];
    const write = (event: string, counts: object = {}): void => void logged.push(`${event} ${JSON.stringify(counts)}`);
    const log = { info: write, warn: write };
    const rng = seededRng(new Uint8Array(32).fill(seed));
    const makeDeps = (): FollowDeps => ({
      store: kept,
      followed: { authorities, threshold: 2, periodMs: dayMs, urls: [] },
      prefers: 'nodes',
      receivesMail: true,
      fetchUrl: undefined,
      files: [],
      answers: { bounds: usualAnswerBounds, cache: answerCache() },
      base64: nodeBase64,
      compression: nodeCompression,
      rng,
      log,
      from: address,
      ...more,
    });
    let deps = makeDeps();
    let reading = directoryReading();
    let directory = keptNetwork(kept, trustOf(deps.followed));
    const self: Follower = {
      account,
      logged,
      get store() {
        return kept;
      },
      get deps() {
        return deps;
      },
      get directory() {
        return directory;
      },
      take: (document, from = {}) => {
        const found = typeof document === 'string' ? { kind: kindOf(document), text: document } : document;
        const about = { from: 'somebody@else.example', isAutomatic: false, ...from };
        return kept.atomically(() => takeFollowed(deps, found, about, now));
      },
      follow: async () => {
        await followOnce(deps, now, signal);
      },
      read: async (inbox) => {
        while (await self.readSome(inbox));
      },
      readSome: (inbox = account.inbox) =>
        readDirectoryMails(
          {
            ...deps,
            clock,
            inbox,
            reading,
            known: knownAccounts(deps),
            parse: parseMail,
            bounds: (from, at) => followedBounds(deps, from, at),
            take: (document, from, at) => takeFollowed(deps, document, from, at),
          },
          signal,
        ),
      post: () =>
        postDue({ store: kept, unstored: new Map(), outbox: account.outbox, clock, rng, log, from: address }, signal),
      restart: () => {
        kept.close();
        kept = sqliteClientStore(file);
        deps = makeDeps();
        reading = directoryReading();
        directory = keptNetwork(kept, trustOf(deps.followed));
      },
    };
    return self;
  };
  return { mail, now: () => now, setNow: (at) => (now = at), follower };
};

/** The documents in a directory mail. */
export const documentsOf = (raw: Uint8Array): readonly FoundDocument[] =>
  documentsIn(
    sliceDirectoryMail(raw, nodeBase64, { compression: nodeCompression, mostBytes: 128 * 1024 * 1024 }) ?? '',
  );
