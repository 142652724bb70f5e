import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A program of Mozilla that is driven from outside, by the protocol it has for that. */
export interface Driven {
  /** Runs a script among the program's own; it calls its last argument with its result. */
  readonly run: (script: string, ...args: readonly string[]) => Promise<string>;
  readonly close: () => void;
}

/** A message is its length, a colon, and JSON: `12:[0,1,"x",{}]`; an answer is `[1, id, error, result]`. */
const messages = async function* (socket: Socket): AsyncGenerator {
  let buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const colon = buffer.indexOf(':');
      const length = Number(buffer.subarray(0, Math.max(colon, 0)).toString());
      if (colon < 1 || buffer.length < colon + 1 + length) break;
      yield JSON.parse(buffer.subarray(colon + 1, colon + 1 + length).toString());
      buffer = buffer.subarray(colon + 1 + length);
    }
  }
};

/** Connects to the port that the program listens at, started with `--marionette --remote-allow-system-access`. */
export const drive = async (port: number): Promise<Driven> => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const answers = messages(socket);
  await answers.next();
  let id = 0;
  const command = async (name: string, parameters: object): Promise<unknown> => {
    const text = JSON.stringify([0, ++id, name, parameters]);
    socket.write(`${Buffer.byteLength(text)}:${text}`);
    const [, , error, result] = (await answers.next()).value as readonly [number, number, unknown, unknown];
    if (error !== null) throw new Error(`${name}: ${JSON.stringify(error)}`);
    return result;
  };
  await command('WebDriver:NewSession', { capabilities: {} });
  await command('Marionette:SetContext', { value: 'chrome' });
  await command('WebDriver:SetTimeouts', { script: 120_000 });
  return {
    run: async (script, ...args) => {
      const result = await command('WebDriver:ExecuteAsyncScript', { script, args, newSandbox: true });
      return (result as { readonly value: string }).value;
    },
    close: () => void socket.destroy(),
  };
};
