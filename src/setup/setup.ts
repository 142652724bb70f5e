import { domainOf } from '../base/address.js';
import type { Parsed } from '../ports/talk.js';
import { limitsOf, unknownLimits } from '../provider/limits.js';
import {
  askAddress,
  findAccount,
  type AccountDeps,
  type Candidate,
  type FoundAccount,
  type GivenAccount,
  type Secret,
} from './account.js';
import { invitationIn, nameFor, nameIn, type Role, roleIn } from './answers.js';
import { answerTo } from './asking.js';
import { configText, type SecretKey } from './config-text.js';
import { commandOf } from './unit.js';

/** What the command line has said. */
export interface GivenSetup extends GivenAccount {
  readonly role: string | undefined;
  /** False: none, on purpose. */
  readonly invitation: string | false | undefined;
  readonly name: string | undefined;
  /** The configuration to be, as an absolute path. */
  readonly config: string | undefined;
  readonly folder: string | undefined;
  /** Whether a unit is written. */
  readonly unit: boolean | undefined;
  /** Absolute path of a certificate. */
  readonly ca: string | undefined;
  /** Mails that the account may send. */
  readonly perDay: number | undefined;
  /** Day since which the account is in use. */
  readonly since: string | undefined;
}

/** Where everything is put. */
export interface Place {
  readonly config: string;
  /** Relative to the folder of the configuration. */
  readonly data: string;
  readonly passwordFile: string;
}

/** What is written when all questions are answered and everything was tried. */
export interface Plan {
  readonly role: Role;
  readonly place: Place;
  readonly configText: string;
  /** For the password file; undefined: the secret is elsewhere. */
  readonly password: string | undefined;
  readonly invitation: string | undefined;
  readonly unit: boolean;
}

export interface SetupDeps extends AccountDeps {
  /** `/home/me/.config/mixmailer`. */
  readonly usualFolder: string;
  /** The absolute path that a text means. */
  readonly resolve: (text: string) => string;
  readonly placeOf: (folder: string, role: Role) => Place;
  readonly placeAt: (config: string) => Place;
  /** Why a configuration can't be written there, in a sentence that says what to do; undefined: it can. */
  readonly objectionTo: (place: Place) => string | undefined;
  /** Whether the user's own systemd runs here. */
  readonly hasSystemd: boolean;
}

const askRole = (deps: SetupDeps, given: string | undefined): Promise<Role> =>
  answerTo(deps, {
    flag: '--role node|exit|client',
    given,
    parse: roleIn,
    ask: (talk) =>
      talk.choose('What is it to be?', [
        { value: 'node', label: 'a mix node', hint: 'carries packets for others; a mailbox of its own' },
        {
          value: 'exit',
          label: 'an exit node',
          hint: 'hands mails to their recipients too, with its address as sender',
        },
        { value: 'client', label: 'a client', hint: 'for my own mail program' },
      ]),
  });

const askInvitation = (deps: SetupDeps, given: string | false | undefined): Promise<string | undefined> =>
  given === false
    ? Promise.resolve(undefined)
    : answerTo<string | undefined>(deps, {
        flag: '--join INVITATION (or --no-join)',
        given,
        parse: invitationIn,
        ask: (talk, check) =>
          talk.text({
            question: 'Invitation to the network (empty: I have none yet)',
            example: 'mixmailer:...',
            check,
          }),
      });

const askPlace = (
  deps: SetupDeps,
  given: GivenSetup,
  { role, asksFolder }: { role: Role; asksFolder: boolean },
): Promise<Place> => {
  const checked = (place: Place): Parsed<Place> => {
    const sentence = deps.objectionTo(place);
    return sentence === undefined ? { kind: 'good', value: place } : { kind: 'bad', sentence };
  };
  const usual = deps.placeOf(deps.usualFolder, role);
  const parse = (text: string): Parsed<Place> =>
    text === given.config ? checked(deps.placeAt(text)) : checked(deps.placeOf(deps.resolve(text), role));
  return answerTo(deps, {
    flag: given.config === undefined ? '--folder DIR' : '--config FILE',
    given: given.config ?? given.folder ?? (asksFolder && deps.talk !== undefined ? undefined : deps.usualFolder),
    parse,
    ask: (talk, check) =>
      talk.text({ question: 'Folder for configuration, keys and database', suggestion: deps.usualFolder, check }),
    ...(deps.objectionTo(usual) === undefined ? { otherwise: usual } : {}),
  });
};

const askUnit = async (deps: SetupDeps, given: boolean | undefined, role: Role): Promise<boolean> => {
  if (given !== undefined) return given;
  if (!deps.hasSystemd || deps.talk === undefined) return false;
  return deps.talk.confirm(`Write a systemd unit, so that the ${commandOf(role)} can start with this machine?`);
};

const secretKeyOf = (secret: Secret, { passwordFile }: Place): SecretKey => {
  switch (secret.kind) {
    case 'typed':
      return { key: 'passwordFile', value: passwordFile };
    case 'passwordFile':
      return { key: 'passwordFile', value: secret.path };
    case 'passwordCommand':
    case 'tokenCommand':
      return { key: secret.kind, value: secret.command };
  }
};

const textOf = (
  { account, provider }: FoundAccount,
  given: GivenSetup,
  { role, name, place }: { readonly role: Role; readonly name: string; readonly place: Place },
): string => {
  const domain = domainOf(account.address);
  const limits = limitsOf(given.provider ?? domain, domain);
  return configText({
    role,
    name,
    address: account.address,
    provider: given.provider,
    imap: account.imap,
    smtp: account.smtp,
    secret: secretKeyOf(account.secret, place),
    ca: given.ca,
    proxy: given.proxy,
    data: place.data,
    perDay: given.perDay,
    since: given.since,
    limits: provider === undefined || limits === unknownLimits ? undefined : limits,
  });
};

const passwordOf = ({ secret }: Candidate): string | undefined =>
  secret.kind === 'typed' ? secret.password : undefined;

/**
 * Asks what there is to ask, at most six questions where nothing goes wrong, and tries the account. Nothing is written.
 *
 * @throws ConfigError, SetupFailure, Stopped
 */
export const planSetup = async (deps: SetupDeps, given: GivenSetup): Promise<Plan> => {
  // What is missing is said before anything is tried.
  if (deps.talk === undefined) {
    await askAddress(deps, given.address);
    await planWithoutAccount(deps, given, { asksFolder: false });
  }
  const found = await findAccount(deps, given);
  const { place, role, invitation } = await planWithoutAccount(deps, given, { asksFolder: !found.askedServers });
  const name = await answerTo(deps, {
    flag: '--name',
    given: given.name ?? nameFor(found.account.address),
    parse: nameIn,
    ask: (talk, check) =>
      talk.text({ question: 'Name of the node', suggestion: nameFor(found.account.address), check }),
  });
  return {
    role,
    place,
    configText: textOf(found, given, { role, name, place }),
    password: passwordOf(found.account),
    invitation,
    unit: await askUnit(deps, given.unit, role),
  };
};

const planWithoutAccount = async (
  deps: SetupDeps,
  given: GivenSetup,
  { asksFolder }: { readonly asksFolder: boolean },
): Promise<Pick<Plan, 'role' | 'invitation' | 'place'>> => {
  const role = await askRole(deps, given.role);
  const invitation = await askInvitation(deps, given.invitation);
  return { role, invitation, place: await askPlace(deps, given, { role, asksFolder }) };
};
