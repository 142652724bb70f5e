import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** How the server answers one command: untagged lines first, then OK, NO or BAD; or it ends the link, or says nothing more. */
export interface Answer {
  readonly untagged?: readonly string[];
  readonly status?: 'OK' | 'NO' | 'BAD' | 'drop' | 'silent';
}

export interface ScriptedImap {
  readonly port: number;
  /** @param command its name, `UID SEARCH` for two words */
  readonly on: (command: string, answer: Answer | ((line: string) => Answer)) => void;
  /** Command lines received, without their tags. */
  readonly commands: readonly string[];
  readonly stop: () => Promise<void>;
}

const selected = [
  '* 2 EXISTS',
  '* 0 RECENT',
  '* FLAGS (\\Deleted \\Seen)',
  '* OK [PERMANENTFLAGS (\\Deleted \\Seen)] ok',
  '* OK [UIDVALIDITY 7] ok',
  '* OK [UIDNEXT 3] ok',
];

/** An IMAP server on a bare TCP socket with two mails it never shows, which answers as it is told. */
export const startScriptedImap = async (capabilities: string): Promise<ScriptedImap> => {
  const script = new Map<string, Answer | ((line: string) => Answer)>([
    ['CAPABILITY', { untagged: [`* CAPABILITY IMAP4rev1 ${capabilities}`] }],
    ['LIST', { untagged: ['* LIST (\\HasNoChildren) "/" INBOX'] }],
    ['SELECT', { untagged: selected }],
    ['UID SEARCH', { untagged: ['* SEARCH 1 2'] }],
  ]);
  const commands: string[] = [];
  const sockets = new Set<Socket>();

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = `${rest}${chunk.toString('latin1')}`.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [tag = '', first = '', second = ''] = line.split(' ');
        commands.push(line.slice(tag.length + 1));
        const command = (first === 'UID' ? `UID ${second}` : first).toUpperCase();
        const scripted = script.get(command) ?? {};
        const { untagged = [], status = 'OK' } = typeof scripted === 'function' ? scripted(line) : scripted;
        if (status === 'drop') {
          if (untagged.length === 0) socket.destroy();
          else socket.end([...untagged, ''].join('\r\n'));
          return;
        }
        socket.write([...untagged, ...(status === 'silent' ? [] : [`${tag} ${status} done`]), ''].join('\r\n'));
      }
    });
    socket.write('* OK test\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    on: (command, answer) => script.set(command, answer),
    commands,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
