/** How many mails an account may send. */
export interface Limits {
  readonly perDay: number;
  /** Undefined: as many as a day has. */
  readonly perHour?: number | undefined;
  readonly perMinute?: number | undefined;
}

/** Where mail is fetched or handed in. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls';
}

/** What a program logs in with. */
export type SignIn =
  /** The password of the web site, unless two-factor log-in is on. */
  | 'password'
  /** One that the provider makes for a program. */
  | 'app-password'
  /** An OAuth2 access token, and nothing else. */
  | 'token'
  /** A program of the provider's on this machine, with a password of its own. */
  | 'bridge'
  /** No program but the provider's own gets in. */
  | 'never';

/** Who runs mailboxes, and how a program gets into one. */
export interface Provider {
  /** For people. */
  readonly name: string;
  /** The one name of all domains of a company; undefined: each of these domains stands for itself. */
  readonly operator: string | undefined;
  /** Domains of its addresses, in lower case. */
  readonly domains: RegExp;
  /** Names of its mail servers, in lower case; undefined: they tell nothing. */
  readonly hosts?: RegExp;
  /** Its servers for addresses of that domain. */
  readonly imap: (domain: string) => MailServer;
  readonly smtp: (domain: string) => MailServer;
  /** What stands for the user at log-in; a provider that takes both has the address here. */
  readonly user: 'address' | 'name before the @';
  /** The same for SMTP, where that is not as for IMAP. */
  readonly smtpUser?: 'address';
  readonly signIn: SignIn;
  /** What its users have to know of the log-in, in one sentence. */
  readonly advice: string;
  /** Whether a mail to `local+detail@domain` is said to arrive; undefined: nobody has said. `mixmailer check` tries it. */
  readonly plusAddresses: boolean | undefined;
  /** Whether IMAP is off until its user switches it on. */
  readonly imapIsOff: boolean;
  /** What keeps an account alive, well below what the provider says it takes. Undefined: as of one that is not known. */
  readonly limits: Limits | undefined;
  /** For paying customers, who come with domains of their own. */
  readonly business?: { readonly limits: Limits; readonly smtp?: MailServer };
  /** Where its servers are from: compared with Thunderbird's database of providers, or as its own pages are known. */
  readonly source: 'Thunderbird' | 'own pages';
}
