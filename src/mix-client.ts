import { EventEmitter } from 'node:events';
import { ClientError, ConfigError } from './base/errors.js';
import { runClient } from './client/client.js';
import type { Deliver } from './client/inbound.js';
import type { Submission } from './client/submit.js';
import { composeClient, composeQueue } from './compose.js';
import { clientConfig, configFrom, loadConfig } from './config.js';
import type { FileSettings } from './config-schema.js';
import { networkAt } from './follow/network-at.js';
import { readHead } from './message/head.js';
import { authorOf } from './message/incoming.js';
import { wordsFor } from './message/report.js';
import type { Log } from './ports/log.js';
import type { MessageStatus } from './ports/client-store.js';
import { rest } from './post/jobs.js';

/** One recipient's message of a mail that was handed in. */
export interface SubmittedMessage {
  readonly id: string;
  readonly recipient: string;
}

/** What is known of a message: what `mixmailer queue --json` lists, and more; times are epoch ms. */
export interface MixStatus extends MessageStatus {
  /** Why it failed, in words; undefined in any other state. */
  readonly reason: string | undefined;
}

/** An answer to a message, from the network. Nobody vouches for any of it but the signature inside the encryption. */
export interface Reply {
  /** The mail as it would stand in the inbox: To is the user, In-Reply-To names the mail that was handed in. */
  readonly raw: Uint8Array;
  /** Id of the message that it answers. */
  readonly inReplyTo: string;
  /** The address in its From, if there is exactly one. */
  readonly from: string | undefined;
}

/** The settings of a client: the keys of its configuration file, which `config/client.toml` explains. */
export type ClientSettings = Omit<FileSettings, 'node' | 'client'> & Required<Pick<FileSettings, 'client'>>;

/** A configuration file, or the same as an object; paths in the object are relative to `folder` (default: the running one). */
export type ClientSource =
  { readonly config: string } | { readonly settings: ClientSettings; readonly folder?: string | undefined };

export type OpenOptions = ClientSource & {
  /**
   * Takes the replies, which otherwise go to the user's inbox or Maildir: each at least once. A reply is kept until this
   * resolves; when it rejects, or the process ends before, the same reply comes again later. One at a time.
   */
  readonly onReply?: ((reply: Reply) => Promise<void>) | undefined;
  /** Hears what the client says of itself: names and counts, nothing of a mail. `console` is one. Default: nobody. */
  readonly log?: Log | undefined;
};

/** What a client is put together from. */
export interface ClientParts {
  readonly submit: (mail: Submission) => Promise<readonly SubmittedMessage[]>;
  readonly messages: () => readonly MixStatus[];
  /** Whether there is a network list to send by. */
  readonly isReady: () => boolean;
  /** Resolves after the signal has aborted, when every job has ended; rejects with our own mistake. */
  readonly run: (onStatus: (status: MixStatus) => void, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
}

interface ClientEvents {
  /** A message has a new state. */
  readonly status: [status: MixStatus];
  /** A mistake of MixMailer's own ended the client. */
  readonly error: [error: unknown];
}

const isFinal = ({ state }: MixStatus): boolean => state !== 'waiting' && state !== 'in-network';

const closed = (): ClientError => new ClientError('client/closed', 'The client is closed');

const withReason = (status: MessageStatus): MixStatus => ({
  ...status,
  reason: status.state === 'failed' && status.ending !== undefined ? wordsFor(status.ending) : undefined,
});

/** How often a client that waits for its first list looks for it. */
const readyPollMs = 500;

const silent: Log = { info: () => undefined, warn: () => undefined };

/** Gives replies to the program; the rest goes the usual way. */
export const toProgram =
  (onReply: NonNullable<OpenOptions['onReply']>, usual: Deliver): Deliver =>
  async (mail, signal) => {
    if (mail.kind !== 'reply') return usual(mail, signal);
    const { raw, about } = mail;
    try {
      await onReply({ raw, inReplyTo: about, from: authorOf(readHead(raw)) });
    } catch (cause) {
      throw new ClientError('client/reply-not-taken', 'The program did not take a reply', { cause });
    }
  };

const partsOf = ({ onReply, log = silent, ...source }: OpenOptions): ClientParts => {
  const config = 'config' in source ? loadConfig(source.config) : configFrom(source.settings, source.folder ?? '.');
  if (onReply !== undefined && clientConfig(config).receipts === undefined)
    throw new ConfigError(
      `client.receipts: expected true for a program that takes replies, got false (in ${config.file})`,
    );
  const { deps, close } = composeClient(config, log);
  const queue = composeQueue(config);
  const deliver = deps.deliver && onReply ? toProgram(onReply, deps.deliver) : deps.deliver;
  return {
    // Without an id is only what an earlier version took and nothing is known of any more.
    submit: async (mail) =>
      (await queue.submit(mail)).flatMap(({ id, recipient }) => (id === undefined ? [] : [{ id, recipient }])),
    messages: () => deps.store.messageStatuses().map(withReason),
    isReady: () => networkAt(deps.directory, deps.clock.now()) !== undefined,
    run: (onStatus, signal) =>
      runClient({ ...deps, deliver, onStatus: (status) => onStatus(withReason(status)) }, signal),
    close: () => {
      queue.close();
      return close();
    },
  };
};

/**
 * The user's agent inside a program: it takes mails, sends them through the network, sends again what nobody confirms,
 * and tells what became of each. The data folder is its own: no other process may run a client on it meanwhile, but any
 * number of clients with a folder each run in one process.
 *
 * Events: `status` at each new state of a message; `error` when a mistake of MixMailer's own ended the client. Nobody
 * has to listen for that: `close`, and whatever is called or waited for, rejects with it too.
 *
 * @hideconstructor
 */
export class MixClient extends EventEmitter<ClientEvents> {
  readonly #parts: ClientParts;
  readonly #stop = new AbortController();
  /** Aborts when the client has ended, with the reason. */
  readonly #over = new AbortController();
  readonly #ended: Promise<void>;
  readonly #watchers = new Set<(status: MixStatus) => void>();
  readonly #handingIn = new Set<Promise<unknown>>();

  /** For `open`. */
  constructor(parts: ClientParts) {
    super();
    this.#parts = parts;
    this.#ended = this.#run();
    // Whoever closes the client hears it; nobody has to.
    this.#ended.catch(() => undefined);
  }

  /**
   * Opens the data folder and starts the client's jobs.
   *
   * @throws ConfigError, RouteError (the network list in a file is not valid now), StoreError (`store/locked`: another
   *   client is on the data folder)
   */
  static open(options: OpenOptions): Promise<MixClient> {
    return new Promise((resolve) => resolve(new MixClient(partsOf(options))));
  }

  async #run(): Promise<void> {
    try {
      // Whoever opens it has it before it brings anything.
      await Promise.resolve();
      await this.#parts.run((status) => this.#tell(status), this.#stop.signal);
      this.#over.abort(closed());
    } catch (error) {
      this.#over.abort(error);
      if (this.listenerCount('error') > 0) process.nextTick(() => this.emit('error', error));
      throw error;
    } finally {
      await Promise.allSettled(this.#handingIn);
      await this.#parts.close();
    }
  }

  #tell(status: MixStatus): void {
    for (const watcher of this.#watchers) watcher(status);
    // Later, so that what a listener throws is not taken for a failure of the job that tells.
    process.nextTick(() => this.emit('status', status));
  }

  #mustBeOpen(): void {
    this.#over.signal.throwIfAborted();
    if (this.#stop.signal.aborted) throw closed();
  }

  /**
   * Takes a finished mail, encrypted with OpenPGP, for these recipients: one message each. It is on the disk when this
   * resolves. The same mail handed in again for the same recipient within a week is not sent again, and has the id it had,
   * unless it has failed meanwhile.
   *
   * @throws SubmissionError with words for the user; RouteError when the network can't carry it now; StoreError. Nothing
   *   of the mail is kept then
   */
  async submit(mail: Submission): Promise<readonly SubmittedMessage[]> {
    this.#mustBeOpen();
    const handingIn = this.#parts.submit(mail);
    this.#handingIn.add(handingIn);
    try {
      return await handingIn;
    } finally {
      this.#handingIn.delete(handingIn);
    }
  }

  /**
   * Resolves when there is a network list to send by: at once where it is a file, and in a network that was joined when
   * the first one has come. Until then `submit` throws RouteError.
   *
   * @param how may be ended by a signal
   * @throws ClientError `client/closed` when the client is closed before; the signal's reason
   */
  async ready({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const over = AbortSignal.any([this.#over.signal, ...(signal === undefined ? [] : [signal])]);
    for (;;) {
      this.#mustBeOpen();
      over.throwIfAborted();
      if (this.#parts.isReady()) return;
      await rest(readyPollMs, over);
    }
  }

  /** All messages of the data folder, those of earlier runs too, until a week after they are settled. */
  messages(): readonly MixStatus[] {
    this.#mustBeOpen();
    return this.#parts.messages();
  }

  /**
   * Waits until a message is delivered, failed, or (without receipts) sent.
   *
   * A state can be corrected later: a mail that comes back turns `delivered` into `failed`, and a late receipt the other
   * way round. The `status` event tells.
   *
   * @param id that `submit` gave
   * @param how may be ended by a signal
   * @throws ClientError `client/unknown-message`, or `client/closed` when the client is closed before; the signal's reason
   */
  async settled(id: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<MixStatus> {
    const known = this.messages().find((message) => message.id === id);
    if (known === undefined) throw new ClientError('client/unknown-message', 'No message of this client has that id');
    if (isFinal(known)) return known;
    const over = AbortSignal.any([this.#over.signal, ...(signal === undefined ? [] : [signal])]);
    return new Promise((resolve, reject) => {
      const watcher = (status: MixStatus): void => {
        if (status.id !== id || !isFinal(status)) return;
        end();
        resolve(status);
      };
      const abort = (): void => {
        end();
        reject(over.reason as Error);
      };
      const end = (): void => {
        this.#watchers.delete(watcher);
        over.removeEventListener('abort', abort);
      };
      this.#watchers.add(watcher);
      over.addEventListener('abort', abort);
      if (over.aborted) abort();
    });
  }

  /**
   * Lets the jobs come to their end, a reply that is being taken too. What is not settled stays in the data folder, and the next client goes on with it.
   *
   * @throws what ended the client, if that was a mistake of its own
   */
  close(): Promise<void> {
    this.#stop.abort();
    return this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
