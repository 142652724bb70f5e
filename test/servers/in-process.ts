import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { AddressInfo, Server, Socket } from 'node:net';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Account, Envelope, MailWorld } from './mail-world.js';

/** The parts of hoodiecrow-imap (no types of its own) that are used here. */
interface Hoodiecrow {
  readonly server: Server;
  readonly listen: (port: number, host: string) => void;
  readonly close: () => void;
  readonly registerCapability: (name: string) => void;
  readonly appendMessage: (mailbox: string, flags: readonly string[], internalDate: false, raw: string) => void;
}
type MakeHoodiecrow = (options: Readonly<Record<string, unknown>>) => Hoodiecrow;

const hoodiecrow = createRequire(import.meta.url)('hoodiecrow-imap') as MakeHoodiecrow;

const plugins = [
  'ID',
  'LITERALPLUS',
  'SASL-IR',
  'AUTH-PLAIN',
  'NAMESPACE',
  'IDLE',
  'ENABLE',
  'UNSELECT',
  'MOVE',
  'UIDPLUS',
  'SPECIAL-USE',
];

interface Mailbox {
  readonly password: string;
  readonly imap: Hoodiecrow;
  readonly sockets: Set<Socket>;
}

export interface InProcessOptions {
  readonly domain?: string;
  /** Sees every mail at the moment the server takes it: what an observer of all mail providers sees. */
  readonly onMail?: (envelope: Envelope, raw: Uint8Array) => void;
  /** Decides before a mail is taken; a code such as 451 refuses it. For faults. */
  readonly refuse?: (envelope: Envelope) => { readonly code: number; readonly text: string } | undefined;
  /** False: a provider that knows the bare addresses only. Default true. */
  readonly plusAddresses?: boolean;
  /** Behaves like Gmail: `X-GM-EXT-1`. */
  readonly gmailLike?: boolean;
}

/** An in-process world, which can do more than the real ones. */
export interface InProcessWorld extends MailWorld {
  /** Puts a mail into a folder without SMTP. */
  readonly put: (address: string, folder: string, raw: Uint8Array) => void;
  /** Cuts every IMAP link of that mailbox. */
  readonly cutImap: (address: string) => void;
}

const refusal = (code: number, text: string): Error => Object.assign(new Error(text), { responseCode: code });

const collect = async (stream: SMTPServerDataStream): Promise<Uint8Array> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const startImap = async (user: string, password: string, gmailLike: boolean): Promise<Mailbox> => {
  const special = (use: string): unknown => ({ 'special-use': use });
  // Its users share one tree of folders: one instance per mailbox.
  const imap = hoodiecrow({
    plugins: gmailLike ? [...plugins, 'X-GM-EXT-1'] : plugins,
    users: { [user]: { password } },
    storage: {
      INBOX: { messages: [] },
      '': { folders: { Junk: special('\\Junk'), Sent: special('\\Sent'), Trash: special('\\Trash') } },
    },
  });
  // Its plugin does not say that it is there.
  if (gmailLike) imap.registerCapability('X-GM-EXT-1');
  const sockets = new Set<Socket>();
  imap.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    // It answers in several small writes: 40 ms each against delayed acknowledgments.
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    // A client that is gone in the middle of an answer is no error of the server.
    socket.on('error', () => undefined);
  });
  imap.listen(0, '127.0.0.1');
  await once(imap.server, 'listening');
  return { password, imap, sockets };
};

const portOf = (server: { address: () => AddressInfo | string | null }): number =>
  (server.address() as AddressInfo).port;

/** SMTP and IMAP inside this process, with nothing to install: one smtp-server, one hoodiecrow-imap per mailbox. */
export const startInProcess = async (options: InProcessOptions = {}): Promise<InProcessWorld> => {
  const domain = options.domain ?? 'mix.test';
  const plusAddresses = options.plusAddresses ?? true;
  const mailboxes = new Map<string, Mailbox>();
  const mailboxOf = (address: string): Mailbox | undefined => {
    const known = mailboxes.get(address.toLowerCase());
    return known ?? (plusAddresses ? mailboxes.get(address.toLowerCase().replace(/\+[^@]*@/, '@')) : undefined);
  };

  const take = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> => {
    const raw = await collect(stream);
    const { mailFrom, rcptTo, dsn } = session.envelope;
    const envelope = {
      from: mailFrom === false ? '' : mailFrom.address.toLowerCase(),
      to: rcptTo.map(({ address }) => address.toLowerCase()),
      envelopeId: dsn?.envid ?? undefined,
    };
    const refused = options.refuse?.(envelope);
    if (refused !== undefined) throw refusal(refused.code, refused.text);
    options.onMail?.(envelope, new Uint8Array(raw));
    for (const address of envelope.to)
      mailboxOf(address)?.imap.appendMessage('INBOX', [], false, Buffer.from(raw).toString('latin1'));
  };

  const smtp = new SMTPServer({
    name: 'localhost',
    banner: 'test',
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    logger: false,
    hideDSN: false,
    size: 64 * 1024 * 1024,
    closeTimeout: 100,
    onAuth: ({ username = '', password }, _session, done) => {
      if (mailboxes.get(username.toLowerCase())?.password === password) done(null, { user: username.toLowerCase() });
      else done(refusal(535, 'bad login'));
    },
    onMailFrom: ({ address }, session, done) => {
      // Providers accept their user's own address only.
      if (address === '' || address.toLowerCase() === session.user) done();
      else done(refusal(553, 'not your address'));
    },
    onRcptTo: ({ address }, _session, done) => {
      if (mailboxOf(address) !== undefined) done();
      else done(refusal(550, 'no such user'));
    },
    onData: (stream, session, done) => {
      take(stream, session).then(
        () => done(null, 'delivered'),
        (error: unknown) => done(error as Error),
      );
    },
  });
  smtp.on('error', () => undefined);
  smtp.listen(0, '127.0.0.1');
  await once(smtp.server, 'listening');

  const addAccount = async (user: string, at = domain): Promise<Account> => {
    const address = `${user}@${at}`.toLowerCase();
    const password = `pw-${user}`;
    const mailbox = await startImap(address, password, options.gmailLike ?? false);
    mailboxes.set(address, mailbox);
    const common = {
      host: '127.0.0.1',
      security: 'none',
      user: address,
      credential: () => Promise.resolve({ password }),
    } as const;
    return {
      address,
      user: address,
      password,
      imap: { ...common, port: portOf(mailbox.imap.server) },
      smtp: { ...common, port: portOf(smtp.server) },
      ca: undefined,
    };
  };

  const cutImap = (address: string): void => {
    for (const socket of mailboxes.get(address)?.sockets ?? []) socket.destroy();
  };

  return {
    name: 'in-process',
    domain,
    addAccount,
    secured: () => undefined,
    refusesUnknownRecipients: true,
    plusAddresses,
    bouncing: undefined,
    put: (address, folder, raw) =>
      mailboxes.get(address)?.imap.appendMessage(folder, [], false, Buffer.from(raw).toString('latin1')),
    cutImap,
    async stop() {
      const ended = [...mailboxes.values()].map(({ imap }) => once(imap.server, 'close'));
      for (const [address, { imap }] of mailboxes) {
        imap.close();
        cutImap(address);
      }
      await Promise.all([...ended, new Promise<void>((resolve) => smtp.close(() => resolve()))]);
    },
  };
};
