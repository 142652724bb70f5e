import { connect, type Socket } from 'node:net';

/** A bare socket to a server of lines. */
export interface SmtpLine {
  readonly socket: Socket;
  /** All that the server has said, once this is in it. @throws Error when the server closed before */
  readonly said: (what: RegExp) => Promise<string>;
  /** All that it has said, once it has closed. */
  readonly closed: () => Promise<string>;
}

/** Connects, and sends nothing. */
export const openLine = (port: number): SmtpLine => {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => undefined);
  let wake: () => void = () => undefined;
  socket.on('data', () => wake()).on('close', () => wake());
  const stirred = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  return {
    socket,
    said: async (what) => {
      while (!what.test(text)) {
        if (socket.destroyed) throw new Error(`the server closed after: ${text}`);
        await stirred();
      }
      return text;
    },
    closed: async () => {
      while (!socket.destroyed) await stirred();
      return text;
    },
  };
};

/** Connects and waits for the greeting, as a mail program does. */
export const dialSmtp = async (port: number): Promise<SmtpLine> => {
  const line = openLine(port);
  await line.said(/^220 /m);
  return line;
};
