import { once, setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { type Rng, uniformInt, unitInterval } from '../../src/base/random.js';
import type { Account } from '../servers/mail-world.js';
import { rewritings, rewritten } from './rewrite.js';

/** What can happen to a mail between two providers. */
export type Mishap = 'duplicate' | 'delay' | 'junk' | 'rewrite';

/** Where a mailbox is. */
export interface Destination {
  readonly account: Account;
  readonly port: number;
  readonly lmtp: boolean;
  /** Whether mails can be put into its junk folder. */
  readonly hasJunk: boolean;
}

/** The way of mails from the provider that took them to the provider of their recipient. */
export interface Transit {
  /** Where LMTP takes them. */
  readonly port: number;
  /** From now on mails have that mishap. */
  readonly begin: (mishap: Mishap) => void;
  readonly end: (mishap: Mishap) => void;
  /** How many mails had it. */
  readonly counts: Readonly<Record<Mishap, number>>;
  /** How many mails to that address were brought twice, or may have been, because a server did not say whether it had one. */
  readonly doubledTo: (address: string) => number;
  /** Resolves when every mail that was taken is where it belongs. */
  readonly settled: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const longestDelayMs = 40_000;
const junkShare = 0.5;
const againMs = 2000;

const codeOf = (error: unknown): number => (error as { readonly responseCode?: number }).responseCode ?? 451;

const isUnanswered = (error: unknown): boolean =>
  (error as { readonly responseCode?: number }).responseCode === undefined;

const bare = (address: string): string => address.toLowerCase().replace(/\+[^@]*@/, '@');

const fileAsJunk = async ({ user, password, imap }: Account, raw: Buffer): Promise<void> => {
  const auth = { user, pass: password };
  const { host, port } = imap;
  const client = new ImapFlow({ host, port, secure: false, doSTARTTLS: false, auth, logger: false });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.append('Junk', raw);
  } finally {
    client.close();
  }
};

/** @param find where the mailbox of an address is; undefined: the usual place, which may not know it */
export const openTransit = async (
  find: (address: string) => Destination | undefined,
  usual: { readonly port: number; readonly lmtp: boolean },
  rng: Rng,
): Promise<Transit> => {
  const active = new Map<Mishap, number>();
  const counts: Record<Mishap, number> = { duplicate: 0, delay: 0, junk: 0, rewrite: 0 };
  const doubled = new Map<string, number>();
  const pending = new Set<Promise<void>>();
  const closing = new AbortController();
  // One for each mail that waits.
  setMaxListeners(0, closing.signal);

  const deliver = async (from: string, to: string, raw: Buffer): Promise<void> => {
    const { port, lmtp } = find(to) ?? usual;
    // GreenMail knows no null sender.
    const sender = from === '' && !lmtp ? 'mailer-daemon@mail.test' : from;
    const transport = createTransport({ host: '127.0.0.1', port, lmtp, secure: false, ignoreTLS: true });
    try {
      const { rejectedErrors = [] } = await transport.sendMail({ raw, envelope: { from: sender, to: [to] } });
      // In LMTP a recipient can be refused after the mail, which the library takes for a success.
      for (const error of rejectedErrors) throw error;
    } finally {
      transport.close();
    }
  };
  const noteDoubled = (to: string): void => void doubled.set(bare(to), (doubled.get(bare(to)) ?? 0) + 1);
  /** Who does not know whether it is there brings it again. */
  const brought = async (to: string, work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (isUnanswered(error)) noteDoubled(to);
      throw error;
    }
  };
  const happens = (mishap: Mishap): boolean => {
    if (!active.has(mishap)) return false;
    if (mishap === 'junk' && unitInterval(rng) > junkShare) return false;
    counts[mishap]++;
    return true;
  };
  /** Until it is there, or can't ever be. */
  const insist = async (work: () => Promise<void>): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        await work();
        return;
      } catch (error) {
        if (codeOf(error) >= 500) return;
        await sleep(againMs);
      }
    }
  };
  const later = (work: () => Promise<void>): void => {
    const promise = sleep(uniformInt(rng, longestDelayMs), undefined, { signal: closing.signal })
      .then(() => insist(work))
      .catch(() => undefined)
      .finally(() => pending.delete(promise));
    pending.add(promise);
  };

  const take = async (from: string, to: string, original: Buffer): Promise<void> => {
    const there = find(to);
    // Mail to nobody comes back, whatever else happens.
    if (there === undefined) return deliver(from, to, original);
    const how = rewritings[uniformInt(rng, rewritings.length)];
    const raw = how !== undefined && happens('rewrite') ? rewritten(original, how) : original;
    if (there.hasJunk && happens('junk')) return brought(to, fileAsJunk(there.account, raw));
    if (happens('duplicate')) {
      noteDoubled(to);
      later(() => brought(to, deliver(from, to, raw)));
    }
    if (happens('delay')) later(() => brought(to, deliver(from, to, raw)));
    else await brought(to, deliver(from, to, raw));
  };

  const server = new SMTPServer({
    lmtp: true,
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    hideSize: true,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        const raw = Buffer.concat(chunks);
        const answers = rcptTo.map(({ address }) =>
          take(from, address, raw).then(
            () => 'taken',
            (error: unknown) => Object.assign(new Error('not taken'), { responseCode: codeOf(error) }),
          ),
        );
        // In LMTP each recipient has an answer of its own; the types know the first kind only.
        void Promise.all(answers).then((all) => done(undefined, all as unknown as string));
      });
    },
  });
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    begin: (mishap) => void active.set(mishap, (active.get(mishap) ?? 0) + 1),
    end: (mishap) => {
      const left = (active.get(mishap) ?? 1) - 1;
      if (left > 0) active.set(mishap, left);
      else active.delete(mishap);
    },
    counts,
    doubledTo: (address) => doubled.get(bare(address)) ?? 0,
    settled: async () => {
      while (pending.size > 0) await Promise.all(pending);
    },
    close: async () => {
      closing.abort();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};

export { bare as bareAddress };
