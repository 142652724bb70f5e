import type { Limits } from '../provider/provider.js';
import type { Role, ServerAnswer } from './answers.js';

/** Where the password comes from, as the configuration says it. */
export type SecretKey =
  | { readonly key: 'passwordFile'; readonly value: string }
  | { readonly key: 'passwordCommand'; readonly value: string }
  | { readonly key: 'tokenCommand'; readonly value: string };

/** A server with the name to log in with. */
export interface ServerLogin extends ServerAnswer {
  readonly user: string;
}

/** What a configuration is written of. */
export interface Settings {
  readonly role: Role;
  readonly address: string;
  /** Domain of who runs the mailbox, where the address doesn't tell. */
  readonly provider: string | undefined;
  readonly imap: ServerLogin;
  readonly smtp: ServerLogin;
  readonly secret: SecretKey;
  readonly ca: string | undefined;
  readonly proxy: string | undefined;
  /** Of a node. */
  readonly name: string;
  /** Data folder, relative to the file. */
  readonly data: string;
  /** What the account may send as far as is known. */
  readonly limits: Limits | undefined;
  /** What its user says of it. */
  readonly perDay: number | undefined;
  readonly since: string | undefined;
}

/** A TOML basic string, of any text. */
const quoted = (text: string): string =>
  // What JSON doesn't escape and TOML wants escaped is U+007F.
  JSON.stringify(text).replaceAll('\u007f', '\\u007f');

const serverLines = ({ host, port, security, user }: ServerLogin): readonly string[] => [
  `host = ${quoted(host)}`,
  `port = ${port}`,
  `security = ${quoted(security)}`,
  `user = ${quoted(user)}`,
];

const secretComment: Readonly<Record<SecretKey['key'], string>> = {
  passwordFile:
    '# The password is the first line of this file, which nobody else may read. A new one needs no restart.',
  passwordCommand: '# The password is the first line that this command prints; it is asked at each log-in.',
  tokenCommand:
    '# The OAuth2 access token is the first line that this command prints; it is asked again after 30 minutes.',
};

const exitLines: Readonly<Record<Role, readonly string[]>> = {
  node: [
    '# With true this node hands mails to their recipients, whose servers then see your address as the sender.',
    'exit = false',
  ],
  exit: [
    '# This node hands mails to their recipients, whose servers then see your address as the sender.',
    'exit = true',
  ],
  client: [],
};

const roleLines = ({ role, name }: Settings): readonly string[] =>
  role === 'client'
    ? [
        '[client]',
        '# Your mail program sends to 127.0.0.1, port 2525. `mixmailer client` prints user and password.',
        '# Receipts tell what became of each mail; what is not confirmed is sent again.',
        'receipts = true',
      ]
    : [
        '[node]',
        '# Shown to people. Its key is what a node is, not its name.',
        `name = ${quoted(name)}`,
        ...exitLines[role],
      ];

const sinceLines = ({ since }: Settings): readonly string[] =>
  since === undefined
    ? ['# It is taken for a new account. If it is older, say since when it is in use:', '# since = 2026-01-31']
    : ['# The day since which the account is in use.', `since = ${since}`];

const limitLines = ({ limits, perDay }: Settings): readonly string[] => {
  if (perDay !== undefined)
    return ['# What the account may send; in the first 30 days the program sends a third.', `perDay = ${perDay}`];
  return limits === undefined
    ? [
        '# Nothing is known of this provider: the program sends 100 mails a day, and in the first 30 days a third of that.',
        '# Say what the account may send, if you know it: a mail server of your own stands 5,000.',
        '# perDay = 100',
      ]
    : [
        `# Of this provider it is known that an account stands ${limits.perDay} mails a day; in the first 30 days the program sends a third.`,
        `# perDay = ${limits.perDay}`,
      ];
};

/** The configuration file of a node or client. Every key that is not in it stands in config/node.toml or client.toml. */
export const configText = (settings: Settings): string => {
  const { role, address, provider, imap, smtp, secret, ca, proxy, data } = settings;
  const example = role === 'client' ? 'client.toml' : 'node.toml';
  return [
    `# ${role === 'client' ? 'A MixMailer client' : 'A mix node'}, as mixmailer init has written it. Paths are relative to the folder of this file.`,
    `# config/${example} of the program explains every key. Try it: mixmailer check --config FILE. Is it well: mixmailer doctor --config FILE`,
    '',
    '# Folder of keys and database, for its owner only.',
    `data = ${quoted(data)}`,
    '',
    '[mail]',
    role === 'client'
      ? '# Your own mailbox. Of its mails the program touches only those with packets or documents of the network.'
      : '# The mailbox of this node: one of its own. Mails that hold packets are removed once they are dealt with.',
    `address = ${quoted(address)}`,
    ...(provider === undefined
      ? []
      : ['# Who runs the mailbox: paths never hold two nodes of one provider.', `provider = ${quoted(provider)}`]),
    ...(proxy === undefined
      ? []
      : ['# Every connection goes through it; names are resolved there.', `proxy = ${quoted(proxy)}`]),
    '',
    '[mail.imap]',
    ...serverLines(imap),
    secretComment[secret.key],
    `${secret.key} = ${quoted(secret.value)}`,
    ...(ca === undefined ? [] : ['# Trusted beside the usual certificate authorities.', `ca = ${quoted(ca)}`]),
    '',
    '[mail.smtp]',
    '# The secret and the certificate are those of [mail.imap].',
    ...serverLines(smtp),
    '',
    '[mail.budget]',
    ...limitLines(settings),
    ...sinceLines(settings),
    '# The day since which the account is in use. Say it if that is longer ago than 30 days.',
    '# since = 2026-01-31',
    '',
    '# The network is the one whose invitation lies in the data folder; --join takes another.',
    '',
    ...roleLines(settings),
    '',
  ].join('\n');
};
