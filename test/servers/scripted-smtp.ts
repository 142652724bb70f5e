import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** What a scripted server does when a command, or the end of a mail, reaches it. */
export type Reaction =
  | { readonly kind: 'reply'; readonly text: string }
  /** The same, but not before the test wants it. */
  | { readonly kind: 'slow-reply'; readonly text: Promise<string> }
  /** Ends the link without a word. */
  | { readonly kind: 'drop' }
  /** Says nothing at all. */
  | { readonly kind: 'silence' };

/** `greeting` is the start of a link, `body` the first bytes of a mail, `end` its final dot. */
export type Moment = 'greeting' | 'EHLO' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'body' | 'end' | 'RSET' | 'QUIT';

const usual: Readonly<Record<Moment, string | undefined>> = {
  greeting: '220 test ESMTP',
  EHLO: '250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN',
  AUTH: '235 2.7.0 ok',
  MAIL: '250 2.1.0 ok',
  RCPT: '250 2.1.5 ok',
  DATA: '354 go on',
  body: undefined,
  end: '250 2.0.0 queued',
  RSET: '250 2.0.0 ok',
  QUIT: '221 2.0.0 bye',
};

export interface ScriptedSmtp {
  readonly port: number;
  /** Changes what happens at that moment from now on. */
  readonly at: (moment: Moment, reaction: Reaction | string) => void;
  /** Commands received, in order. */
  readonly commands: readonly string[];
  /** Complete mails received, dots removed. */
  readonly mails: readonly string[];
  readonly links: () => number;
  readonly stop: () => Promise<void>;
}

/** An SMTP server on a bare TCP socket, which fails at any moment it is told to. */
export const startScriptedSmtp = async (): Promise<ScriptedSmtp> => {
  const script = new Map<Moment, Reaction>();
  const commands: string[] = [];
  const mails: string[] = [];
  const sockets = new Set<Socket>();
  let links = 0;

  /** @returns false when the link has ended */
  const react = (socket: Socket, moment: Moment): boolean => {
    const text = usual[moment];
    const reaction = script.get(moment) ?? (text === undefined ? { kind: 'silence' } : { kind: 'reply', text });
    if (reaction.kind === 'drop') socket.destroy();
    if (reaction.kind === 'slow-reply') void reaction.text.then((words) => socket.write(`${words}\r\n`));
    if (reaction.kind === 'reply') socket.write(`${reaction.text}\r\n`);
    return reaction.kind !== 'drop';
  };

  const serve = (socket: Socket): void => {
    links++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let rest = '';
    let inBody = false;
    let began = false;
    const line = (text: string): boolean => {
      commands.push(text);
      const moment = text.slice(0, 4).toUpperCase() as Moment;
      if (!(moment in usual)) {
        socket.write('502 5.5.2 unknown command\r\n');
        return true;
      }
      const goesOn = react(socket, moment);
      const reaction = script.get(moment);
      inBody =
        moment === 'DATA' && (reaction === undefined || (reaction.kind === 'reply' && reaction.text.startsWith('3')));
      began = false;
      return goesOn;
    };
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1');
      for (;;) {
        if (inBody) {
          if (!began && rest !== '') {
            began = true;
            if (!react(socket, 'body')) return;
          }
          const end = rest.startsWith('.\r\n') ? 0 : rest.indexOf('\r\n.\r\n');
          if (end === -1) return;
          mails.push(rest.slice(0, end + 2).replaceAll('\r\n..', '\r\n.'));
          rest = rest.slice(rest.indexOf('.\r\n', end) + 3);
          inBody = false;
          if (!react(socket, 'end')) return;
        }
        const end = rest.indexOf('\r\n');
        if (end === -1) return;
        const text = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (!line(text)) return;
      }
    });
    react(socket, 'greeting');
  };

  const server = createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    at: (moment, reaction) => {
      script.set(moment, typeof reaction === 'string' ? { kind: 'reply', text: reaction } : reaction);
    },
    commands,
    mails,
    links: () => links,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
