import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';

/** One mail as the provider of the account that hands it in gets to see it. */
export interface SeenMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: Buffer;
}

export interface SmtpTap {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const endOfData = Buffer.from('\r\n.\r\n');

/** Where a provider's door brings a mail instead of to its recipient; undefined: to the recipient. */
export type Divert = (to: string) => string | undefined;

/**
 * Follows one SMTP dialog from the client's side, tells of every mail handed in, and passes on what the client says, but
 * for recipients that are diverted. Clear text only.
 */
class DialogReader {
  #buffer: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #inData = false;
  #asked = false;
  #answer = '';
  #from = '';
  #to: string[] = [];
  readonly #tell: (mail: SeenMail) => void;
  readonly #divert: Divert;
  readonly #pass: (bytes: Buffer) => void;

  constructor(tell: (mail: SeenMail) => void, divert: Divert, pass: (bytes: Buffer) => void) {
    this.#tell = tell;
    this.#divert = divert;
    this.#pass = pass;
  }

  /** What the server says. */
  hear(chunk: Buffer): void {
    this.#answer = chunk.toString('latin1').trimEnd().split('\n').at(-1) ?? '';
  }

  read(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    // DATA may come together with a recipient that is refused: no mail follows then.
    if (this.#asked) this.#inData = this.#answer.startsWith('354');
    this.#asked = false;
    while (this.#inData ? this.#readData() : this.#readLine());
  }

  #readLine(): boolean {
    const end = this.#buffer.indexOf('\r\n');
    if (end === -1) return false;
    const line = this.#buffer.toString('latin1', 0, end);
    const bytes = this.#buffer.subarray(0, end + 2);
    this.#buffer = this.#buffer.subarray(end + 2);
    const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
    if (/^MAIL FROM:/i.test(line)) {
      this.#from = address;
      this.#to = [];
    } else if (/^RCPT TO:/i.test(line)) this.#to.push(address);
    else if (/^DATA$/i.test(line)) this.#asked = true;
    const elsewhere = /^RCPT TO:/i.test(line) ? this.#divert(address) : undefined;
    this.#pass(elsewhere === undefined ? bytes : Buffer.from(`RCPT TO:<${elsewhere}>\r\n`));
    return true;
  }

  #readData(): boolean {
    const end = this.#buffer.indexOf(endOfData);
    if (end === -1) {
      // The terminator may lie across two chunks: its length minus one stays.
      const sure = this.#buffer.length - (endOfData.length - 1);
      if (sure > 0) {
        this.#take(sure);
        this.#buffer = this.#buffer.subarray(sure);
      }
      return false;
    }
    this.#take(end + 2);
    this.#pass(this.#buffer.subarray(end + 2, end + endOfData.length));
    this.#buffer = this.#buffer.subarray(end + endOfData.length);
    this.#inData = false;
    this.#tell({ from: this.#from, to: this.#to, raw: Buffer.concat(this.#chunks) });
    this.#chunks = [];
    return true;
  }

  #take(length: number): void {
    const bytes = this.#buffer.subarray(0, length);
    this.#chunks.push(bytes);
    this.#pass(bytes);
  }
}

const straight: Divert = () => undefined;

/**
 * A door in front of an SMTP server of this machine that shows every mail and lets everything through, or brings some of
 * it elsewhere: the sender's side sees them accepted.
 */
export const smtpTap = async (target: number, tell: (mail: SeenMail) => void, divert = straight): Promise<SmtpTap> => {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(target, '127.0.0.1');
    const reader = new DialogReader(tell, divert, (bytes) => void upstream.write(bytes));
    client.on('data', (chunk) => reader.read(chunk));
    client.on('end', () => upstream.end());
    upstream.on('data', (chunk) => reader.hear(chunk));
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
