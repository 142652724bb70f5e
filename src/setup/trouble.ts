import { ConfigError, MailError } from '../base/errors.js';
import type { SelfMail } from './self-mail.js';

/** What went wrong with an account, and what its user can answer otherwise. */
export interface Trouble {
  /** One sentence that says what to do. */
  readonly sentence: string;
  /** The question to ask again; `nothing`: they have to do something, and then try the same. */
  readonly again: 'address' | 'servers' | 'secret' | 'nothing';
  /** Whether an answer is wrong; otherwise the same answers may be right later. */
  readonly isAnswer: boolean;
}

/** One of the account's servers. */
export interface Reached {
  readonly protocol: 'imap' | 'smtp';
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'none';
  readonly proxy: string | undefined;
  /** What its provider's users have to know of the log-in. */
  readonly advice: string | undefined;
  /** The other protocol takes the same log-in. */
  readonly otherTakesIt: boolean;
}

const usualPorts = { imap: '993, or 143 with /starttls', smtp: '465, or 587 with /starttls' } as const;

const loginSentence = ({ protocol, host, advice, otherTakesIt }: Reached): string => {
  if (otherTakesIt && protocol === 'imap')
    return `The password is right, for SMTP takes it, but IMAP at ${host} refuses it: switch IMAP on in the settings of your provider, then try again`;
  if (otherTakesIt)
    return `IMAP takes the password, but SMTP at ${host} refuses it: switch SMTP on in the settings of your provider, then try again`;
  return `${host} refuses the log-in: ${
    advice ??
    'try the password in the web mail; many providers want an app password, IMAP switched on in their settings, or another user name than the address (--user)'
  }`;
};

const connectSentence = ({ protocol, host, port, proxy }: Reached, text: string): string => {
  if (proxy !== undefined)
    return `No connection to ${host} through the proxy: does the proxy run, and does it reach it`;
  if (/ENOTFOUND|EAI_AGAIN|EDNS/.test(text))
    return `No server of the name ${host} is known: correct the name, or look whether this machine has a network and DNS`;
  if (text.includes('ECONNREFUSED'))
    return `Nothing listens at port ${port} of ${host}: correct the port (usual: ${usualPorts[protocol]}), or switch ${protocol.toUpperCase()} on at your provider`;
  return `No connection to ${host}:${port}: check name and port (usual: ${usualPorts[protocol]}), and whether a firewall stands between`;
};

/** What to say of a failed log-in. Other errors than the world's are thrown on. */
export const loginTrouble = (error: unknown, server: Reached): Trouble => {
  // The adapters wrap a secret that can't be had into a failed log-in.
  const secret = error instanceof MailError && error.cause instanceof ConfigError ? error.cause : error;
  if (secret instanceof ConfigError) return { sentence: secret.message, again: 'secret', isAnswer: true };
  if (!(error instanceof MailError)) throw error;
  const { host, port, security } = server;
  switch (error.code) {
    case 'mail/login':
      return {
        sentence: loginSentence(server),
        again: server.otherTakesIt ? 'nothing' : 'secret',
        isAnswer: true,
      };
    case 'mail/connect':
      return { sentence: connectSentence(server, error.message), again: 'servers', isAnswer: false };
    case 'mail/timeout':
      return {
        sentence: `Silence from ${host}:${port}: a firewall drops the connection, or the port does not go with ${security} (usual: ${usualPorts[server.protocol]})`,
        again: 'servers',
        isAnswer: false,
      };
    case 'mail/tls':
      return {
        sentence: `No secure channel to ${host}:${port}: correct name and port (usual: ${usualPorts[server.protocol]}), name the certificate of a server of your own with --ca, or go to a network where nobody stands between`,
        again: 'servers',
        isAnswer: true,
      };
    case 'mail/insecure':
      return {
        sentence: `The password would cross the net in clear to ${host}: leave /none away, which is for this machine only`,
        again: 'servers',
        isAnswer: true,
      };
    case 'mail/protocol':
    case 'mail/closed':
      return {
        sentence: `${host} answers, but not as expected, or not now (too many log-ins, maintenance): try again in some minutes`,
        again: 'nothing',
        isAnswer: false,
      };
  }
};

const sizeText = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KB` : `${Math.round(bytes / 1024 / 1024)} MB`;

/** What to say of the mail that the account sent to itself; undefined: it arrived. */
export const selfMailTrouble = (mail: SelfMail): Trouble | undefined => {
  const wait = (sentence: string): Trouble => ({ sentence, again: 'nothing', isAnswer: false });
  switch (mail.kind) {
    case 'arrived':
      return undefined;
    case 'full':
      return wait(
        `The mailbox is full (${sizeText(mail.usedBytes)} of ${sizeText(mail.limitBytes)}): empty it, the trash too, or take another`,
      );
    case 'refused':
      return wait(
        `The server refuses a mail to its own mailbox (code ${mail.code}): empty the mailbox if it is full, and look in the web mail whether the account may send`,
      );
    case 'bounced':
      return wait('The mail came back: read in the web mail why, and mend it there');
    case 'limit':
      return wait('The provider says that this account has sent too much: try again in some hours');
    case 'later':
      return wait(
        'The server takes no mail now: try again in some minutes, and look in the web mail whether the account may send',
      );
    case 'lost':
      return wait(
        'The mail has not come within 2 minutes: look in the web mail whether the mailbox is full or a filter put it elsewhere',
      );
  }
};
