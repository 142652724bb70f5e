import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Identity } from './certificate.js';

export interface ScriptedTlsOptions {
  readonly protocol: 'imap' | 'smtp';
  readonly identity: Identity;
  /** TLS from the first byte on. Otherwise it begins in clear. */
  readonly implicit: boolean;
  /** What the clear part of the server says to STARTTLS; only `begins` begins TLS. */
  readonly startTls: 'begins' | 'no' | 'bad' | 'not offered';
  readonly greeting?: string;
  /** Somebody on the wire puts these lines behind the word that TLS begins. */
  readonly injected?: readonly string[];
  /** Inside of TLS it answers nothing, and ends the link. */
  readonly endsInside?: boolean;
}

/** An IMAP or SMTP server on a bare socket that keeps all it is told, in clear and under TLS. */
export interface ScriptedTls {
  readonly port: number;
  /** All bytes that came in clear, TLS records left out. */
  readonly inClear: () => string;
  readonly sealed: () => string;
  readonly stop: () => Promise<void>;
}

const offered = (startTls: boolean): Readonly<Record<ScriptedTlsOptions['protocol'], string>> => ({
  imap: `* CAPABILITY IMAP4rev1 UIDPLUS SASL-IR AUTH=PLAIN AUTH=LOGIN${startTls ? ' STARTTLS' : ''}\r\n`,
  smtp: `250-test\r\n${startTls ? '250-STARTTLS\r\n' : ''}250 AUTH PLAIN LOGIN\r\n`,
});

const smtpReplies: Readonly<Record<string, string>> = {
  AUTH: '235 ok\r\n',
  MAIL: '250 ok\r\n',
  RCPT: '250 ok\r\n',
  DATA: '354 go on\r\n',
  QUIT: '221 bye\r\n',
};

const imapAnswer = (tag: string, command: string, startTls: boolean): string => {
  const untagged: Readonly<Record<string, string>> = {
    CAPABILITY: offered(startTls).imap,
    LIST: '* LIST (\\HasNoChildren) "/" INBOX\r\n',
    LOGOUT: '* BYE bye\r\n',
  };
  return `${untagged[command] ?? ''}${tag} OK done\r\n`;
};

export const startScriptedTls = async (options: ScriptedTlsOptions): Promise<ScriptedTls> => {
  const { protocol, identity, implicit, startTls, injected = [], endsInside = false } = options;
  const greeting = options.greeting ?? (protocol === 'imap' ? '* OK test' : '220 test');
  let [inClear, sealed] = ['', ''];
  /** Of an IMAP log-in whose second line is still to come. */
  let waiting: string | undefined;
  const sockets = new Set<Socket>();

  const seal = (socket: Socket): void => {
    socket.removeAllListeners('data');
    const inside = new TLSSocket(socket, { isServer: true, ...identity });
    inside.on('error', () => undefined);
    talk(inside, true);
  };

  const answer = (socket: Socket, line: string, isSealed: boolean): void => {
    const [tag = '', second = '', , initial] = line.split(' ');
    const command = (protocol === 'imap' ? second : tag).toUpperCase();
    const offers = !isSealed && startTls !== 'not offered';
    if (command === 'STARTTLS' && !isSealed) {
      const prefix = protocol === 'imap' ? `${tag} ` : '';
      const words =
        protocol === 'imap' ? { no: 'NO not now', bad: 'BAD what' } : { no: '454 not now', bad: '502 what' };
      if (startTls === 'no' || startTls === 'bad') socket.write(`${prefix}${words[startTls]}\r\n`);
      else if (startTls === 'not offered') socket.write(`${prefix}${words.bad}\r\n`);
      else {
        const begins = protocol === 'imap' ? `${tag} OK begin` : '220 begin';
        socket.write([begins, ...injected, ''].join('\r\n'));
        seal(socket);
      }
      return;
    }
    if (isSealed && endsInside) {
      socket.destroy();
      return;
    }
    if (waiting !== undefined) {
      socket.write(imapAnswer(waiting, 'AUTHENTICATE', offers));
      waiting = undefined;
    } else if (command === 'AUTHENTICATE' && initial === undefined) {
      waiting = tag;
      socket.write('+ \r\n');
    } else if (protocol === 'imap') socket.write(imapAnswer(tag, command, offers));
    else if (command === 'EHLO') socket.write(offered(offers).smtp);
    else socket.write(line === '.' ? '250 queued\r\n' : (smtpReplies[command] ?? ''));
  };

  const talk = (socket: Socket, isSealed: boolean): void => {
    let rest = '';
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      if (isSealed) sealed += text;
      else inClear += text;
      const lines = `${rest}${text}`.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) answer(socket, line, isSealed);
    });
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (implicit) {
      const inside = new TLSSocket(socket, { isServer: true, ...identity });
      inside.on('error', () => undefined);
      inside.write(`${greeting}\r\n`);
      talk(inside, true);
    } else {
      socket.write(`${greeting}\r\n`);
      talk(socket, false);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    inClear: () => inClear,
    sealed: () => sealed,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
