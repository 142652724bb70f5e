/** A command, or a whole mail, that a server has been told and has not answered yet; or what is said in its place. */
interface Asked {
  readonly what: string;
  /** The server was not told: it never hears of it, or its answer is not wanted. */
  readonly lie: string | undefined;
}

/** What somebody who stands between a client and its SMTP server may change. */
export interface SmtpHands {
  readonly toServer: (bytes: Buffer | string) => void;
  readonly toClient: (text: string) => void;
  /** @param command one line with its end @returns an answer in the server's place, which then doesn't hear it */
  readonly lieTo: (command: string) => string | undefined;
  /** @returns what is said in place of the answer to a mail that the server has */
  readonly lieAfterMail: () => string | undefined;
  /** A command that the server hears, in capitals. */
  readonly heard: (command: string) => void;
  /** The server has the whole mail. */
  readonly mailGiven: () => void;
  /** @param code what the server said to the mail, whatever the client was told */
  readonly mailAnswered: (code: string, wasLie: 'a lie' | 'the truth') => void;
}

const endOfMail = '\r\n.\r\n';

/**
 * Follows what goes over one SMTP line, line by line: clients say MAIL, RCPT and DATA at once where the server allows it, so
 * answers have to keep the order of what was said.
 */
export class SmtpWire {
  readonly #hands: SmtpHands;
  readonly #asked: Asked[] = [];
  #inMail = false;
  /** What has come of a line, or the last bytes of a mail. */
  #fromClient = '';
  #fromServer = '';
  /** Lines of an answer whose last one has not come. */
  #answer = '';

  constructor(hands: SmtpHands) {
    this.#hands = hands;
    this.#asked.push({ what: 'greeting', lie: undefined });
  }

  clientSaid(bytes: Buffer): void {
    const text = bytes.toString('latin1');
    if (this.#inMail) {
      this.#hands.toServer(bytes);
      this.#fromClient = (this.#fromClient + text).slice(-endOfMail.length);
      if (this.#fromClient !== endOfMail) return;
      this.#inMail = false;
      this.#fromClient = '';
      this.#asked.push({ what: 'mail', lie: this.#hands.lieAfterMail() });
      this.#hands.mailGiven();
      return;
    }
    const lines = (this.#fromClient + text).split(/(?<=\r\n)/);
    this.#fromClient = lines.at(-1)?.endsWith('\r\n') === false ? (lines.pop() ?? '') : '';
    for (const line of lines) this.#command(line);
  }

  serverSaid(bytes: Buffer): void {
    const lines = (this.#fromServer + bytes.toString('latin1')).split(/(?<=\r\n)/);
    this.#fromServer = lines.at(-1)?.endsWith('\r\n') === false ? (lines.pop() ?? '') : '';
    for (const line of lines) {
      this.#answer += line;
      if (/^\d{3}-/.test(line)) continue;
      this.#answered(this.#answer);
      this.#answer = '';
    }
  }

  #command(line: string): void {
    const lie = this.#hands.lieTo(line);
    const what = line.trim().toUpperCase();
    this.#asked.push({ what, lie });
    if (lie === undefined) {
      this.#hands.heard(what);
      this.#hands.toServer(line);
    } else this.#tellLies();
  }

  #answered(text: string): void {
    const { what, lie } = this.#asked.shift() ?? { what: 'nothing', lie: undefined };
    const code = text.slice(0, 3);
    if (what === 'mail') this.#hands.mailAnswered(code, lie === undefined ? 'the truth' : 'a lie');
    if (what === 'DATA' && code === '354') this.#inMail = true;
    this.#hands.toClient(lie === undefined ? text : `${lie}\r\n`);
    this.#tellLies();
  }

  /** Those whose turn it is. */
  #tellLies(): void {
    for (let [next] = this.#asked; next?.lie !== undefined && next.what !== 'mail'; [next] = this.#asked) {
      this.#asked.shift();
      this.#hands.toClient(`${next.lie}\r\n`);
    }
  }
}
