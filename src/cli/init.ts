import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { type Command, InvalidArgumentError } from 'commander';
import { probeImap } from '../adapters/imap-inbox.js';
import { proxyIn } from '../adapters/proxy.js';
import { publishedServers } from '../adapters/published-servers.js';
import { type Account, accountOf, firstLine, type SecretSource, type ServerSettings } from '../adapters/secrets.js';
import { probeSmtp } from '../adapters/smtp-outbox.js';
import { tellingOn, terminalTalk } from '../adapters/terminal.js';
import { ConfigError, Stopped } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import { dayOf } from '../config-schema.js';
import { readCertificate } from '../config-server.js';
import type { Talk, Telling } from '../ports/talk.js';
import { type Candidate, type Looked, type Secret, SetupFailure } from '../setup/account.js';
import type { SelfMail } from '../setup/self-mail.js';
import { type GivenSetup, planSetup, type SetupDeps } from '../setup/setup.js';
import { unitName } from '../setup/unit.js';
import { usualConfig } from './config-option.js';
import { install, type Installed, objectionTo, placeAt, placeOf } from './init-install.js';
import { type Accounts, greetSelfOn } from './plus-probe.js';
import { printer } from './print.js';

interface Options {
  readonly config?: string;
  readonly folder?: string;
  readonly role?: string;
  readonly join?: string | false;
  readonly name?: string;
  readonly imap?: string;
  readonly smtp?: string;
  readonly user?: string;
  readonly provider?: string;
  readonly ca?: string;
  readonly proxy?: string;
  readonly lookUp?: true;
  readonly perDay?: number;
  readonly since?: string;
  readonly passwordFile?: string;
  readonly passwordCommand?: string;
  readonly tokenCommand?: string;
  readonly unit?: boolean;
  readonly replace?: true;
  readonly yes?: true;
}

/** What the set-up asks of the world; tests put others in their place. */
export interface InitWorld {
  readonly imap: (account: Account, signal: AbortSignal) => Promise<{ readonly canRemove: boolean }>;
  readonly smtp: (account: Account, signal: AbortSignal) => Promise<unknown>;
  readonly greetSelf: (own: string, accounts: Accounts, signal: AbortSignal) => Promise<SelfMail>;
  readonly lookUp: (domain: string, signal: AbortSignal) => Promise<Looked | undefined>;
  /** Somebody at the terminal; undefined: nobody. */
  readonly talk: Talk | undefined;
  readonly telling: (command: Command) => Telling;
  readonly readStdin: () => Promise<string>;
  readonly hasSystemd: boolean;
}

const dayIn = (text: string): string => {
  const day = dayOf(text);
  if (day === undefined) throw new InvalidArgumentError('expected a day, such as 2026-01-31');
  return day;
};

const mails = (text: string): number => {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new InvalidArgumentError('expected a number of mails, such as 5000');
  return Number(text);
};

const isLive = process.stdin.isTTY && process.stdout.isTTY;

const realWorld: InitWorld = {
  imap: probeImap,
  smtp: probeSmtp,
  greetSelf: greetSelfOn,
  lookUp: publishedServers,
  talk: isLive ? terminalTalk : undefined,
  telling: (command) => {
    const write = (text: string): void => command.configureOutput().writeOut?.(text);
    const hasColors = isLive && (process.env['NO_COLOR'] ?? '') === '' && process.stdout.hasColors();
    const columns = isLive ? process.stdout.columns : undefined;
    return tellingOn({ write, look: isLive ? 'live' : 'plain', hasColors, columns });
  },
  readStdin: () => textOf(process.stdin),
  hasSystemd: existsSync('/run/systemd/system'),
};

const deadlineMs = 2 * minuteMs;

/** The secret that the command line names; `-` is the first line of standard input. @throws ConfigError */
const givenSecret = async (options: Options, world: InitWorld): Promise<Secret | undefined> => {
  const { passwordFile, passwordCommand, tokenCommand } = options;
  const given = [passwordFile, passwordCommand, tokenCommand].filter((one) => one !== undefined);
  if (given.length > 1)
    throw new ConfigError('expected one of --password-file, --password-command and --token-command, got several');
  if (passwordFile === '-')
    return { kind: 'typed', password: firstLine('--password-file', await world.readStdin(), 'standard input') };
  if (passwordFile !== undefined) return { kind: 'passwordFile', path: path.resolve(passwordFile) };
  if (passwordCommand !== undefined) return { kind: 'passwordCommand', command: passwordCommand };
  return tokenCommand === undefined ? undefined : { kind: 'tokenCommand', command: tokenCommand };
};

const sourceOf = (secret: Secret): SecretSource =>
  secret.kind === 'typed' ? { kind: 'password', password: secret.password } : secret;

/** Both servers of a candidate, as the adapters want them. */
const accountsOf = (
  { imap, smtp, secret }: Candidate,
  { ca, proxy }: { readonly ca: string | undefined; readonly proxy: string | undefined },
): Accounts => {
  const server = (one: Candidate['imap']): ServerSettings => ({ ...one, ca, secret: sourceOf(secret) });
  return { imap: accountOf('mail.imap', server(imap), proxy), smtp: accountOf('mail.smtp', server(smtp), proxy) };
};

const depsOf = (options: Options, world: InitWorld, tell: Telling, signal: AbortSignal): SetupDeps => {
  const rest = {
    ca: options.ca === undefined ? undefined : readCertificate('--ca', path.resolve(options.ca)),
    proxy: options.proxy,
  };
  /** What was cut off by Ctrl-C is no trouble of the account's. */
  const unlessStopped = async <T>(limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    try {
      return await work(AbortSignal.any([signal, AbortSignal.timeout(limitMs)]));
    } catch (error) {
      if (signal.aborted) throw new Stopped();
      throw error;
    }
  };
  return {
    talk: options.yes === true ? undefined : world.talk,
    tell,
    logInImap: (account) => unlessStopped(deadlineMs, (cut) => world.imap(accountsOf(account, rest).imap, cut)),
    logInSmtp: (account) => unlessStopped(deadlineMs, (cut) => world.smtp(accountsOf(account, rest).smtp, cut)),
    greetSelf: (account) =>
      unlessStopped(2 * deadlineMs, (cut) => world.greetSelf(account.address, accountsOf(account, rest), cut)),
    lookUp:
      options.lookUp === true
        ? async (domain) => {
            const found = await world.lookUp(domain, AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]));
            if (signal.aborted) throw new Stopped();
            return found;
          }
        : undefined,
    usualFolder: path.dirname(usualConfig('node')),
    resolve: (text) => path.resolve(text.replace(/^~(?=\/|$)/, homedir())),
    placeOf,
    placeAt,
    objectionTo: (place) => objectionTo(place, options.replace === true),
    hasSystemd: world.hasSystemd,
  };
};

const givenOf = (address: string | undefined, options: Options, secret: Secret | undefined): GivenSetup => ({
  address,
  imap: options.imap,
  smtp: options.smtp,
  user: options.user,
  secret,
  provider: options.provider?.toLowerCase(),
  proxy: options.proxy,
  role: options.role,
  invitation: options.join,
  name: options.name,
  config: options.config === undefined ? undefined : path.resolve(options.config),
  folder: options.folder,
  unit: options.unit,
  ca: options.ca === undefined ? undefined : path.resolve(options.ca),
  perDay: options.perDay,
  since: options.since,
});

const shown = (file: string): string => (/^[\w./~-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`);

/** What there is, and what to do next. */
const linesAfter = ({ config, unit, old }: Installed): readonly string[] => {
  const role = config.client === undefined ? 'node' : 'client';
  const file = shown(config.file);
  const name = unitName(role);
  const isJoined = config.network !== undefined;
  return [
    '',
    `configuration  ${config.file}`,
    ...(old === undefined ? [] : [`the old one    ${old}`]),
    `data folder    ${config.data}`,
    ...(unit === undefined ? [] : [`unit           ${unit}`]),
    '',
    ...(isJoined
      ? []
      : [
          'In no network yet: with an invitation, from somebody who is in one, start it with --join "mixmailer:..." once.',
        ]),
    ...(config.mail.budget.since === undefined
      ? [
          'The account is taken for a new one, which sends a third for 30 days: if it is older, say since in [mail.budget].',
        ]
      : []),
    ...(unit === undefined
      ? [
          `Start it:      mixmailer ${role} --config ${file}`,
          ...(role === 'node'
            ? [
                `In a container: its image is made as the head of config/Containerfile says; then`,
                `               podman run --read-only --cap-drop=all --volume ${shown(path.dirname(config.file))}:/node:U mixmailer node --config /node/${path.basename(config.file)}`,
              ]
            : []),
        ]
      : [
          `Start it:      systemctl --user daemon-reload && systemctl --user enable --now ${name}`,
          'Without log-in: loginctl enable-linger',
        ]),
    `Is it well:    mixmailer doctor --config ${file}`,
  ];
};

const run = async (
  address: string | undefined,
  options: Options,
  world: InitWorld,
  command: Command,
): Promise<void> => {
  const tell = world.telling(command);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    if (options.proxy !== undefined && proxyIn(options.proxy) === undefined)
      throw new ConfigError('--proxy: expected socks5h://host:port, got something else');
    if (options.proxy !== undefined && options.lookUp === true)
      throw new ConfigError('--look-up asks the DNS, past the proxy: name the servers with --imap and --smtp');
    const deps = depsOf(options, world, tell, stop.signal);
    const plan = await planSetup(deps, givenOf(address, options, await givenSecret(options, world)));
    if (stop.signal.aborted) throw new Stopped();
    const installed = install(plan, { node: process.execPath, main: process.argv[1] ?? 'mixmailer' });
    tell.good('wrote everything');
    printer(command)(...linesAfter(installed));
  } catch (error) {
    if (stop.signal.aborted || error instanceof Stopped)
      command.error('mixmailer: stopped, and nothing was written', { exitCode: 130 });
    if (error instanceof SetupFailure)
      command.error(`mixmailer: ${error.message}`, { exitCode: error.isAnswer ? 78 : 75 });
    throw error;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
};

/** `mixmailer init`: from a mail address to a node or client that runs, in at most six questions. */
export const register = (program: Command, world: InitWorld = realWorld): void => {
  program
    .command('init')
    .description('set up a node or a client: asks for an address, tries its mailbox, makes keys and configuration')
    .argument('[address]', 'mail address of the account')
    .option(
      '-c, --config <file>',
      'write the configuration to this file; default: node.toml or client.toml in the folder',
    )
    .option('--folder <dir>', 'folder for configuration, keys and database; default: ~/.config/mixmailer')
    .option('--role <role>', 'node, exit or client')
    .option('--join <invitation>', 'invitation to the network')
    .option('--no-join', 'join no network yet')
    .option('--name <name>', 'name of the node; default: from the address')
    .option('--imap <server>', 'IMAP server: host, host:port, or host:port/starttls')
    .option('--smtp <server>', 'SMTP server, in the same way')
    .option(
      '--look-up',
      'ask the net for the servers of a domain that is not known, which tells the domain, Thunderbird and the DNS',
    )
    .option('--user <name>', 'name to log in with; default: what the provider wants, mostly the address')
    .option('--provider <domain>', 'who runs the mailbox of a domain of your own, such as google.com')
    .option('--ca <file>', 'PEM certificate of an authority of your own')
    .option('--proxy <url>', 'socks5h://host:port for every connection, such as that of Tor')
    .option(
      '--per-day <mails>',
      'how many mails the account may send; default: what is known of its provider, else 100',
      mails,
    )
    .option(
      '--since <day>',
      'day since which the account is in use, such as 2026-01-31; in its first 30 days it sends a third; default: today',
      dayIn,
    )
    .option('--password-file <file>', 'the password is its first line; "-" is standard input')
    .option('--password-command <command>', 'the password is the first line it prints')
    .option('--token-command <command>', 'an OAuth2 access token is the first line it prints')
    .option('--unit', "write a unit of the user's systemd")
    .option('--no-unit', 'write none')
    .option('--replace', 'replace a configuration that is there; it is kept beside as .old, keys and data stay')
    .option('-y, --yes', 'ask nothing: what is missing is said')
    .addHelpText(
      'after',
      `
Asks for what is not said; without a terminal it asks nothing, and says which flag is missing. It logs in over IMAP and SMTP and sends one
mail from the account to itself, which it removes. A password is never taken from the command line. Ends with 78 if an answer is wrong, with
75 if the mail servers don't let it now, with 130 if it was stopped; then nothing was written.`,
    )
    .action((address: string | undefined, options: Options, command: Command) => run(address, options, world, command));
};
