import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A wire to a server on loopback that can be cut and frozen. */
export interface Link {
  readonly port: number;
  /** Ends every connection, at once and without a goodbye. */
  readonly cut: () => void;
  /** From now on no byte passes, in either direction; connections stay open. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Connections that are open. */
  readonly open: () => number;
  readonly stop: () => Promise<void>;
}

/** A wire on a port of its own to `toPort` of loopback. */
export const startLink = async (toPort: number): Promise<Link> => {
  const sockets = new Set<Socket>();
  let frozen = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (frozen) socket.pause();
  };
  const server = createServer((near) => {
    const far = connect(toPort, '127.0.0.1');
    near.pipe(far);
    far.pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    keep(near);
    keep(far);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    freeze: () => {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw: () => {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    open: () => sockets.size / 2,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
};
