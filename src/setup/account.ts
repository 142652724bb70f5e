import { domainOf } from '../base/address.js';
import { Bug, ConfigError, MailError, StoreError } from '../base/errors.js';
import type { Parsed } from '../ports/talk.js';
import { providerOf } from '../provider/known.js';
import type { Published } from '../provider/published.js';
import type { MailServer, Provider } from '../provider/provider.js';
import { addressIn, guessedServers, secretIn, serverIn, type ServerAnswer, serversIn, serverText } from './answers.js';
import { type Asking, answerTo } from './asking.js';
import type { SelfMail } from './self-mail.js';
import { loginTrouble, type Reached, selfMailTrouble, type Trouble } from './trouble.js';

/** What proves that the account is its user's, as it was answered. */
export type Secret =
  | { readonly kind: 'typed'; readonly password: string }
  | { readonly kind: 'passwordFile'; readonly path: string }
  | { readonly kind: 'passwordCommand' | 'tokenCommand'; readonly command: string };

/** An account to be tried. */
export interface Candidate {
  readonly address: string;
  readonly imap: ServerAnswer & { readonly user: string };
  readonly smtp: ServerAnswer & { readonly user: string };
  readonly secret: Secret;
}

/** What the command line has said of the account. */
export interface GivenAccount {
  readonly address: string | undefined;
  readonly imap: string | undefined;
  readonly smtp: string | undefined;
  readonly user: string | undefined;
  readonly secret: Secret | undefined;
  /** Domain of who runs the mailbox. */
  readonly provider: string | undefined;
  readonly proxy: string | undefined;
}

/** What the world says to an account. They reject with MailError, or ConfigError for a secret that can't be had. */
export interface AccountDeps extends Asking {
  readonly logInImap: (account: Candidate) => Promise<{ readonly canRemove: boolean }>;
  readonly logInSmtp: (account: Candidate) => Promise<unknown>;
  readonly greetSelf: (account: Candidate) => Promise<SelfMail>;
  /** Asks the net for the servers of a domain; undefined: it is not to be asked. */
  readonly lookUp?: ((domain: string) => Promise<Looked | undefined>) | undefined;
}

/** What a domain publishes, and whether it came over https, so that it is the domain's word. */
export type Looked = Published & { readonly isVouched: boolean };

/** Something is wrong that nobody is there to answer otherwise. */
export class SetupFailure extends Error {
  readonly isAnswer: boolean;
  constructor({ sentence, isAnswer }: Trouble) {
    super(sentence);
    this.name = 'SetupFailure';
    this.isAnswer = isAnswer;
  }
}

const knownProvider = (given: GivenAccount, address: string): Provider | undefined =>
  providerOf(given.provider ?? domainOf(address));

/** The address, which comes first. @throws ConfigError, Stopped */
export const askAddress = (deps: Asking, given: string | undefined): Promise<string> =>
  answerTo(deps, {
    flag: 'the address',
    given,
    parse: addressIn,
    ask: (talk, check) => talk.text({ question: 'Mail address', example: 'mix@example.org', check }),
  });

interface Servers {
  readonly imap: ServerAnswer;
  readonly smtp: ServerAnswer;
  /** Where it was published with them. */
  readonly user?: Provider['user'] | undefined;
}

const textOf = ({ imap, smtp }: Servers): string => `${serverText(imap, 'imap')} ${serverText(smtp, 'smtp')}`;

/** The servers that a provider is known to have; of customers with domains of their own, those for them. */
const serversOf = (provider: Provider, domain: string): { readonly imap: MailServer; readonly smtp: MailServer } => ({
  imap: provider.imap(domain),
  smtp: (provider.domains.test(domain) ? undefined : provider.business?.smtp) ?? provider.smtp(domain),
});

const askServers = (deps: AccountDeps, suggestion: string, about = 'a guess stands there'): Promise<Servers> =>
  answerTo(deps, {
    flag: '--imap and --smtp',
    given: undefined,
    parse: serversIn,
    ask: (talk, check) =>
      talk.text({
        question: `Mail servers: IMAP, then SMTP (${about})`,
        suggestion,
        check,
      }),
  });

/**
 * The servers that the domain publishes, confirmed where somebody is there: a password goes to them. Nobody vouches for the
 * DNS, so without somebody to ask only a server below the domain itself is taken from there (RFC 6186 section 6).
 *
 * @returns undefined where nothing is published
 * @throws ConfigError, Stopped
 */
const findPublished = async (
  deps: AccountDeps,
  lookUp: NonNullable<AccountDeps['lookUp']>,
  domain: string,
): Promise<Servers | undefined> => {
  const found = await deps.tell.during(`asking for the mail servers of ${domain}`, lookUp(domain));
  if (found === undefined) {
    deps.tell.note(`nobody publishes mail servers of ${domain}.`);
    return undefined;
  }
  if (deps.talk === undefined) {
    const isBelow = ({ host }: MailServer): boolean => host === domain || host.endsWith(`.${domain}`);
    if (found.isVouched || (isBelow(found.imap) && isBelow(found.smtp))) return found;
    const both = `${serverText(found.imap, 'imap')} and ${serverText(found.smtp, 'smtp')}`;
    throw new ConfigError(`--imap and --smtp are missing: the DNS says ${both}, and nobody vouches for it`);
  }
  const answered = await askServers(deps, textOf(found), 'as they are published');
  return textOf(answered) === textOf(found) ? found : answered;
};

/** Servers of the command line, of the table, as they are published, or as they are answered. */
const findServers = async (deps: AccountDeps, given: GivenAccount, address: string): Promise<Servers> => {
  const domain = domainOf(address);
  const provider = knownProvider(given, address);
  const known = provider && serversOf(provider, domain);
  const said = (protocol: 'imap' | 'smtp'): ServerAnswer | undefined => {
    const text = given[protocol];
    if (text === undefined) return known?.[protocol];
    const parsed: Parsed<ServerAnswer> = serverIn(text, protocol);
    if (parsed.kind === 'good') return parsed.value;
    throw new ConfigError(`--${protocol}: ${parsed.sentence}`);
  };
  const [imap, smtp] = [said('imap'), said('smtp')];
  if (imap !== undefined && smtp !== undefined) return { imap, smtp };
  if (deps.lookUp !== undefined && imap === undefined && smtp === undefined) {
    const published = await findPublished(deps, deps.lookUp, domain);
    if (published !== undefined) return published;
  }
  const guess = imap === undefined ? guessedServers(domain) : `${serverText(imap, 'imap')} smtp.${domain}`;
  return askServers(deps, guess);
};

const askSecret = async (
  deps: AccountDeps,
  given: Secret | undefined,
  provider: Provider | undefined,
): Promise<Secret> => {
  if (given !== undefined) return given;
  if (provider !== undefined) deps.tell.note(`${provider.advice}.`);
  if (provider?.signIn === 'token')
    return answerTo(deps, {
      flag: '--token-command',
      given: undefined,
      parse: (text) =>
        text.trim() === ''
          ? { kind: 'bad', sentence: 'Nothing was typed' }
          : { kind: 'good', value: { kind: 'tokenCommand', command: text.trim() } as const },
      ask: (talk, check) =>
        talk.text({ question: 'Command that prints an access token', example: 'pizauth show outlook', check }),
    });
  const password = await answerTo(deps, {
    flag: '--password-file (or --password-command, --token-command)',
    given: undefined,
    parse: secretIn,
    ask: (talk, check) =>
      talk.secret({ question: provider?.signIn === 'app-password' ? 'App password' : 'Password', check }),
  });
  return { kind: 'typed', password };
};

const userAt = (given: GivenAccount, address: string, form: Provider['user'] | undefined): string =>
  given.user ?? (form === 'name before the @' ? address.slice(0, address.lastIndexOf('@')) : address);

/** Whether that log-in works. */
const works = async (logIn: Promise<unknown>): Promise<boolean> => {
  try {
    await logIn;
    return true;
  } catch (error) {
    if (error instanceof MailError || error instanceof ConfigError) return false;
    throw error;
  }
};

const isLoginRefusal = (error: unknown): boolean =>
  error instanceof MailError && error.code === 'mail/login' && !(error.cause instanceof ConfigError);

/** Logs in to both servers, and sends a mail to itself. @returns what is wrong, or how the mail came */
const tryAccount = async (
  deps: AccountDeps,
  account: Candidate,
  rest: Pick<Reached, 'proxy' | 'advice'>,
): Promise<Trouble | (SelfMail & { readonly kind: 'arrived' })> => {
  const { tell } = deps;
  const reached = (protocol: 'imap' | 'smtp'): Reached => ({
    ...account[protocol],
    ...rest,
    protocol,
    otherTakesIt: false,
  });
  try {
    const look = await tell.during(`logging in over IMAP at ${account.imap.host}`, deps.logInImap(account));
    tell.good(`logged in over IMAP at ${account.imap.host}:${account.imap.port}`);
    if (!look.canRemove)
      return {
        sentence:
          'The server can not remove single mails (no UIDPLUS), so the mailbox would fill up: take one at another provider',
        again: 'address',
        isAnswer: true,
      };
  } catch (error) {
    // A log-in that one of them takes is right: the other is switched off.
    const otherTakesIt =
      isLoginRefusal(error) && (await tell.during('trying the same over SMTP', works(deps.logInSmtp(account))));
    return loginTrouble(error, { ...reached('imap'), otherTakesIt });
  }
  try {
    await tell.during(`logging in over SMTP at ${account.smtp.host}`, deps.logInSmtp(account));
    tell.good(`logged in over SMTP at ${account.smtp.host}:${account.smtp.port}`);
  } catch (error) {
    return loginTrouble(error, { ...reached('smtp'), otherTakesIt: isLoginRefusal(error) });
  }
  try {
    const mail = await tell.during('sending a mail to itself, and waiting for it', deps.greetSelf(account));
    if (mail.kind === 'arrived') return mail;
    const trouble = selfMailTrouble(mail);
    if (trouble !== undefined) return trouble;
  } catch (error) {
    if (!(error instanceof MailError || error instanceof StoreError)) throw error;
    return loginTrouble(error, reached('imap'));
  }
  throw new Bug('a mail that did not arrive is no trouble');
};

/** An account that works. */
export interface FoundAccount {
  readonly account: Candidate;
  readonly provider: Provider | undefined;
  /** Nobody knew them, so their user was asked. */
  readonly askedServers: boolean;
}

/**
 * An account that works: it logs in over IMAP and SMTP, and a mail from it to itself arrived. Asks for what the command
 * line has not said, and again for what is wrong.
 *
 * @throws ConfigError where a flag is missing; SetupFailure where nobody is there to answer otherwise; Stopped
 */
export const findAccount = async (deps: AccountDeps, given: GivenAccount): Promise<FoundAccount> => {
  let address = await askAddress(deps, given.address);
  let provider = knownProvider(given, address);
  let servers = await findServers(deps, given, address);
  let secret = await askSecret(deps, given.secret, provider);
  for (;;) {
    const account: Candidate = {
      address,
      imap: { ...servers.imap, user: userAt(given, address, provider?.user ?? servers.user) },
      smtp: { ...servers.smtp, user: userAt(given, address, provider?.smtpUser ?? provider?.user ?? servers.user) },
      secret,
    };
    const result = await tryAccount(deps, account, { proxy: given.proxy, advice: provider?.advice });
    if ('kind' in result) {
      const seconds = (result.afterMs / 1000).toFixed(1);
      deps.tell.good(`a mail to itself came into ${result.folder} after ${seconds} s, and was removed`);
      return { account, provider, askedServers: provider === undefined && given.imap === undefined };
    }
    if (deps.talk === undefined) throw new SetupFailure(result);
    deps.tell.wrong(`${result.sentence}.`);
    if (result.again === 'address') {
      address = await askAddress(deps, undefined);
      provider = knownProvider(given, address);
      servers = await findServers(deps, { ...given, imap: undefined, smtp: undefined }, address);
      secret = await askSecret(deps, undefined, provider);
    } else if (result.again === 'servers') servers = await askServers(deps, textOf(servers));
    else if (result.again === 'secret') secret = await askSecret(deps, undefined, provider);
    else if (!(await deps.talk.confirm('Try again?'))) throw new SetupFailure(result);
  }
};
