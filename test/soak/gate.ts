import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { SmtpWire } from './smtp-wire.js';

/** What a gate says in the server's place. */
export type Answer =
  /** Instead of the server's greeting; the link ends with it. */
  | { readonly at: 'greeting'; readonly text: string }
  /** To the next command that begins so; the server never sees it. */
  | { readonly at: 'command'; readonly command: RegExp; readonly text: string }
  /** Instead of the server's answer to a whole mail: the server has taken it. */
  | { readonly at: 'mail'; readonly text: string }
  /** Unasked, and the link ends with it. */
  | { readonly at: 'once'; readonly text: string };

/** The wire between one process and one of its two mail servers, where everything can go wrong. */
export interface Gate {
  readonly port: number;
  /** Ends every connection, at once and without a goodbye. */
  readonly cut: () => void;
  /** From now on no byte passes, in either direction, and nobody is told. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Gives that answer as often as said, when its time comes. `%` in it is the command's IMAP tag. */
  readonly answer: (answer: Answer, times: number) => void;
  /** Connections that are open now. */
  readonly open: () => number;
  /** Mails that the server may have taken, of which the process was not told so or may have ended before it wrote that down. */
  readonly doubts: () => number;
  /** What is under way now can't be written down: each such mail is one more doubt. */
  readonly doubt: () => void;
  readonly close: () => Promise<void>;
}

/** So long after an answer it may not have been written down: most of a second on a busy machine, with some to spare. */
const writtenMs = 2000;

/** What one line knows of the mail that it carries: SMTP has one at a time. */
interface Carried {
  state: 'none' | 'begun' | 'at the server';
  /** Of the last one: when its answer passed. */
  answeredAt: number;
}

/** A gate on a port of its own, to that port of loopback. */
export const openGate = async (toPort: number, now: () => number = Date.now): Promise<Gate> => {
  const links = new Map<readonly [near: Socket, far: Socket], Carried>();
  const script: { readonly answer: Answer; left: number }[] = [];
  let frozen = false;
  let doubts = 0;
  const isUnwritten = ({ answeredAt }: Carried): boolean => now() - answeredAt < writtenMs;

  const take = <A extends Answer['at']>(
    at: A,
    fits: (answer: Extract<Answer, { at: A }>) => boolean = () => true,
  ): string | undefined => {
    const entry = script.find(({ answer }) => answer.at === at && fits(answer as Extract<Answer, { at: A }>));
    if (entry === undefined) return undefined;
    entry.left--;
    if (entry.left <= 0) script.splice(script.indexOf(entry), 1);
    return entry.answer.text;
  };

  /** Of IMAP. @returns the answer in the server's place, if it is not to hear this. */
  const intercepted = (chunk: Buffer): string | undefined => {
    const text = chunk.toString('latin1');
    // The library writes one whole command at a time.
    if (text.indexOf('\r\n') !== text.length - 2) return undefined;
    const tag = text.split(' ', 1)[0] ?? '';
    return take('command', ({ command }) => command.test(text))?.replace('%', tag);
  };

  const serve = (near: Socket): void => {
    const greeting = take('greeting');
    if (greeting !== undefined) {
      near.on('error', () => undefined);
      near.end(`${greeting}\r\n`);
      return;
    }
    const far = connect(toPort, '127.0.0.1');
    const link = [near, far] as const;
    const carried: Carried = { state: 'none', answeredAt: -Infinity };
    links.set(link, carried);
    const ended = (): void => {
      if (links.delete(link) && (carried.state === 'at the server' || isUnwritten(carried))) doubts++;
    };
    const wire = new SmtpWire({
      toServer: (bytes) => void far.write(bytes, 'latin1'),
      toClient: (text) => void near.write(text, 'latin1'),
      lieTo: (line) => take('command', ({ command }) => command.test(line)),
      lieAfterMail: () => take('mail'),
      heard: (command) => {
        if (command.startsWith('MAIL ')) carried.state = 'begun';
        else if (/^(?:RSET|QUIT)$/.test(command)) Object.assign(carried, { state: 'none', answeredAt: -Infinity });
      },
      mailGiven: () => void (carried.state = 'at the server'),
      mailAnswered: (code, word) => {
        Object.assign(carried, { state: 'none', answeredAt: now() });
        if (word === 'a lie' && code.startsWith('2')) doubts++;
      },
    });
    let protocol: 'unknown' | 'smtp' | 'imap' = 'unknown';
    near.on('data', (chunk) => {
      if (protocol === 'smtp') {
        wire.clientSaid(chunk);
        return;
      }
      const text = intercepted(chunk);
      if (text === undefined) far.write(chunk);
      else near.write(`${text}\r\n`);
    });
    far.on('data', (chunk) => {
      if (protocol === 'unknown') protocol = chunk.toString('latin1').startsWith('220') ? 'smtp' : 'imap';
      if (protocol === 'smtp') wire.serverSaid(chunk);
      else near.write(chunk);
    });
    near.on('end', () => far.end());
    far.on('end', () => near.end());
    for (const socket of link) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        ended();
        near.destroy();
        far.destroy();
      });
      if (frozen) socket.pause();
    }
  };
  const each = (work: (socket: Socket) => void): void => {
    for (const link of links.keys()) for (const socket of link) work(socket);
  };

  const server = createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => each((socket) => socket.resetAndDestroy());
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    freeze: () => {
      frozen = true;
      each((socket) => socket.pause());
    },
    thaw: () => {
      frozen = false;
      each((socket) => socket.resume());
    },
    answer: (answer, times) => {
      if (answer.at !== 'once') script.push({ answer, left: times });
      else for (const [near] of links.keys()) near.end(`${answer.text}\r\n`);
    },
    open: () => links.size,
    doubts: () => doubts,
    doubt: () => {
      doubts += [...links.values()].filter((carried) => carried.state !== 'none' || isUnwritten(carried)).length;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
};
