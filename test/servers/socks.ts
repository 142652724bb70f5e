import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A SOCKS5 proxy that connects every name to loopback and remembers what it was asked for. */
export interface SocksProxy {
  readonly port: number;
  /** `name:port` as the client sent it; a name that was resolved by the client shows as an IP address. */
  readonly asked: readonly string[];
  readonly stop: () => Promise<void>;
}

/** RFC 1928, CONNECT without authentication, for tests. */
export const startSocks = async (): Promise<SocksProxy> => {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    near.once('data', () => {
      near.write(Uint8Array.of(5, 0));
      near.once('data', (ask) => {
        const kind = ask[3];
        const nameBytes = kind === 3 ? (ask[4] ?? 0) : 4;
        const from = kind === 3 ? 5 : 4;
        const bytes = ask.subarray(from, from + nameBytes);
        const host = kind === 3 ? bytes.toString('latin1') : bytes.join('.');
        const port = ask.readUInt16BE(from + nameBytes);
        asked.push(`${host}:${port}`);
        const far = connect(port, '127.0.0.1', () => {
          near.write(Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0));
          near.pipe(far);
          far.pipe(near);
        });
        keep(far);
        far.on('close', () => near.destroy());
        near.on('close', () => far.destroy());
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
