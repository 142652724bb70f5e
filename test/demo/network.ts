import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readSecretKey } from '../../src/adapters/file-keys.js';
import type { BundleClass } from '../../src/carrier/bundle.js';
import { inspectNetwork, signNetwork } from '../../src/route/network.js';
import type { NetworkParameters } from '../../src/route/network.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { smtpTap } from '../servers/smtp-tap.js';
import type { Divert, SeenMail } from '../servers/smtp-tap.js';
import { mixmailerHere, Running } from './processes.js';

/** A network to be: who takes part, and how fast it mixes. */
export interface Plan {
  /** An empty folder for configs, keys and databases. */
  readonly folder: string;
  readonly world: MailWorld;
  readonly nodes: number;
  /** How many of the nodes are exits, counted from the last one; all of them unless said otherwise. */
  readonly exits?: number;
  /** What the first node and the clients are; the program that was built, unless it is said. */
  readonly program?: string;
  /** Accounts that the first node has beside its first. */
  readonly furtherAccounts?: number;
  /** How the exits know answers: `node.replies.alias`. */
  readonly alias?: 'plus' | 'message-id';
  /** Whose client sends; alice@home.test unless said otherwise. */
  readonly sender?: { readonly user: string; readonly domain: string };
  /** Reply blocks in every message of a client: `client.replies.blocks`; none unless said otherwise. */
  readonly replyBlocks?: number;
  /** Cron expression of the mix interval. */
  readonly schedule: string;
  /** What the list says otherwise than `mixmailer network sign` does; for `layNetwork`. */
  readonly parameters?: Partial<NetworkParameters>;
  readonly loopsPerInterval: number;
  /** Mean time between two mails of a client. */
  readonly paceSeconds: number;
  /** A client mails also when nothing waits, unless that is said. */
  readonly clientCover?: false;
  /** Packets in each mail of a client; 4 unless said otherwise. */
  readonly clientPackets?: BundleClass;
  /** Clients hear from their exits, unless that is said. */
  readonly receipts?: false;
  /** Sees every mail that a node, a client or an authority hands to its provider. */
  readonly onMail?: (mail: SeenMail) => void;
  /** Where these providers bring a mail instead of to its recipient; undefined: to the recipient. Needs `onMail`. */
  readonly divert?: Divert;
}

/** A network that nobody prepares: its nodes and clients find each other by an invitation. */
export interface JoinPlan extends Plan {
  readonly authorities: number;
  /** Time between two lists. */
  readonly periodSeconds: number;
  /** How long a mix key is used, and how long it opens late packets after that; as usual unless said otherwise. */
  readonly keys?: { readonly epochSeconds: number; readonly graceSeconds: number };
  readonly topology?: 'free' | 'layers';
  readonly probesPerPeriod?: number;
}

export interface Member {
  readonly account: Account;
  readonly further: readonly Account[];
  readonly configFile: string;
}

/** A client, and what a mail program needs to send through it. */
export interface RunningClient {
  readonly running: Running;
  readonly port: number;
  readonly token: string;
  readonly user: string;
}

/** A network of real processes on real mailboxes, set up as its operators would: with the `mixmailer` commands. */
export interface TestNetwork {
  readonly nodes: readonly Member[];
  /** The sender's. */
  readonly client: Member;
  /** A client for somebody else. */
  readonly addClient: (account: Account) => Promise<Member>;
  /** The port at which that account's provider takes its mails, watched like those of nodes and clients. */
  readonly doorOf: (account: Account) => Promise<number>;
  readonly startNode: (member: Member) => Promise<Running>;
  /** The sender's client, or that of the member. */
  readonly startClient: (member?: Member) => Promise<RunningClient>;
  readonly close: () => Promise<void>;
}

/** One with a list that was signed by hand. */
export interface LaidNetwork extends TestNetwork {
  readonly listFile: string;
}

/** One that was joined. */
export interface JoinedNetwork extends TestNetwork {
  readonly authorities: readonly Member[];
  readonly periodSeconds: number;
  /** What nodes and clients are started with. */
  readonly invitation: string;
  /** A mailbox and a configuration for one node more. */
  readonly addNode: (name: string) => Promise<Member>;
  readonly startAuthority: (member: Member) => Promise<Running>;
}

/** Where the password of an account is. @param nth 0: its first one */
const passwordName = (nth: number): string => (nth === 0 ? 'password' : `password-${nth + 1}`);

/** The file from which the member's process takes the password of that account. */
export const passwordFileOf = ({ configFile }: Member, nth = 0): string =>
  path.join(path.dirname(configFile), passwordName(nth));

const mailSection = ({ address, user, imap, smtp }: Account, smtpPort: number, nth = 0): string => {
  const section = nth === 0 ? 'mail' : 'mail.further';
  return `${nth === 0 ? `[${section}]` : `[[${section}]]`}
address = "${address}"

[${section}.imap]
host = "${imap.host}"
port = ${imap.port}
security = "none"
user = "${user}"
passwordFile = "${passwordName(nth)}"

[${section}.smtp]
host = "${smtp.host}"
port = ${smtpPort}
security = "none"
user = "${user}"
passwordFile = "${passwordName(nth)}"

[${section}.budget]
perDay = 10000000
`;
};

const writeMember = (folder: string, accounts: readonly [Account, ...Account[]], config: string): Member => {
  const [account, ...further] = accounts;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [nth, { password }] of accounts.entries())
    writeFileSync(path.join(folder, passwordName(nth)), `${password}\n`, { mode: 0o600 });
  const configFile = path.join(folder, 'mixmailer.toml');
  writeFileSync(configFile, config, { mode: 0o600 });
  return { account, further, configFile };
};

/** Accounts and configurations, and the start of what they describe. */
interface Site extends Pick<TestNetwork, 'doorOf' | 'close'> {
  readonly addNode: (name: string, isExit: boolean) => Promise<Member>;
  readonly addClient: (account: Account) => Promise<Member>;
  readonly addAuthority: (name: string, section: string) => Promise<Member>;
  readonly startNode: (member: Member) => Promise<Running>;
  readonly startClient: (member: Member) => Promise<RunningClient>;
  readonly startAuthority: (member: Member) => Promise<Running>;
}

/**
 * @param networkSection of nodes and clients; empty where they join
 * @param args what nodes and clients are started with beside their configuration
 */
const openSite = (
  plan: Plan,
  {
    networkSection,
    keysSection = '',
    args,
  }: { readonly networkSection: string; readonly keysSection?: string; readonly args: () => readonly string[] },
): Site => {
  const { folder, world } = plan;
  const taps: { readonly port: number; readonly close: () => Promise<void> }[] = [];
  const doorOf = async (account: Account): Promise<number> => {
    if (plan.onMail === undefined) return account.smtp.port;
    const tap = await smtpTap(account.smtp.port, plan.onMail, plan.divert);
    taps.push(tap);
    return tap.port;
  };
  const addMember = async (
    name: string,
    account: Account,
    sections: string,
    further: readonly Account[] = [],
  ): Promise<Member> => {
    const accounts = [account, ...further] as const;
    const mail = await inTurn(accounts, async (one) => mailSection(one, await doorOf(one), accounts.indexOf(one)));
    return writeMember(path.join(folder, name), accounts, `data = "data"\n${mail.join('\n')}${sections}`);
  };
  const furtherOf = (name: string): Promise<readonly Account[]> => {
    const count = name === 'mix1' ? (plan.furtherAccounts ?? 0) : 0;
    return inTurn(
      Array.from({ length: count }, (_, i) => `${name}-${i + 2}`),
      (user) => world.addAccount(user, `${name}.test`),
    );
  };
  const running = async (
    what: ConstructorParameters<typeof Running>[0],
    ...command: readonly string[]
  ): Promise<Running> => {
    const one = new Running(what, ...command);
    await one.says(/^running/m);
    return one;
  };
  const named = (name: string, hasProgram: boolean): ConstructorParameters<typeof Running>[0] =>
    hasProgram && plan.program !== undefined ? { name, program: plan.program } : name;
  return {
    doorOf,
    // Every node at a provider of its own.
    addNode: async (name, isExit) =>
      addMember(
        name,
        await world.addAccount(name, `${name}.test`),
        `${networkSection}
[node]
name = "${name}"
exit = ${isExit}
${keysSection}
[node.cover]
loopsPerInterval = ${plan.loopsPerInterval}

[node.replies]
alias = "${plan.alias ?? 'message-id'}"
`,
        await furtherOf(name),
      ),
    addClient: (account) =>
      addMember(
        account.address,
        account,
        `${networkSection}
[client]
poll = 1
receipts = ${plan.receipts ?? true}

[client.submission]
port = 0

[client.pace]
minutes = ${plan.paceSeconds / 60}
packets = ${plan.clientPackets ?? 4}
cover = ${plan.clientCover ?? true}
# As many questions as mails: what takes minutes here takes hours elsewhere.
questions = 0.5

[client.replies]
blocks = ${plan.replyBlocks ?? 0}
`,
      ),
    addAuthority: async (name, section) => addMember(name, await world.addAccount(name, `${name}.test`), section),
    startNode: ({ account, configFile }) =>
      running(named(account.address, account.user === 'mix1'), 'node', '--config', configFile, ...args()),
    startAuthority: ({ account, configFile }) => running(account.address, 'authority', '--config', configFile),
    startClient: async ({ account, configFile }) => {
      const what = named(`client of ${account.address}`, true);
      const one = new Running(what, 'client', '--config', configFile, ...args());
      const [, port = '', user = '', token = ''] = await one.says(/port\s+(\d+)[^]*user\s+(\S+)[^]*password\s+(\S+)\n/);
      return { running: one, port: Number(port), user, token };
    },
    close: async () => {
      await Promise.all(taps.map((tap) => tap.close()));
    },
  };
};

/** Names of the nodes, and which of them are exits. */
const namesOf = ({ nodes, exits = nodes }: Plan): readonly (readonly [name: string, isExit: boolean])[] =>
  Array.from({ length: nodes }, (_, i) => [`mix${i + 1}`, i >= nodes - exits]);

const senderOf = ({ world, sender = { user: 'alice', domain: 'home.test' } }: Plan): Promise<Account> =>
  world.addAccount(sender.user, sender.domain);

const inTurn = async <T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> => {
  const results: U[] = [];
  for (const item of items) results.push(await work(item));
  return results;
};

/** Makes accounts, configs, keys, descriptors and the signed list; starts nothing yet. */
export const layNetwork = async (plan: Plan): Promise<LaidNetwork> => {
  const { folder } = plan;
  const authorityFile = path.join(folder, 'authority.key');
  const listFile = path.join(folder, 'network.txt');
  const authority = /[0-9a-f]{64}/.exec(await mixmailerHere('keygen', '--authority', authorityFile))?.[0] ?? '';
  const networkSection = `
[network]
list = "${listFile}"
authorities = ["${authority}"]
threshold = 1
`;
  const site = openSite(plan, { networkSection, args: () => [] });
  const nodes = await inTurn(namesOf(plan), ([name, isExit]) => site.addNode(name, isExit));
  const client = await site.addClient(await senderOf(plan));
  const descriptors = await Promise.all(
    nodes.map(async ({ account, configFile }) => {
      await mixmailerHere('keygen', '--config', configFile);
      const file = path.join(folder, `${account.user}.descriptor`);
      await mixmailerHere('descriptor', '--config', configFile, '--out', file);
      return file;
    }),
  );
  await mixmailerHere(
    ...['network', 'sign', '--authority', authorityFile, '--out', listFile],
    ...['--mix-schedule', plan.schedule, ...descriptors],
  );
  if (plan.parameters !== undefined) {
    const { network } = inspectNetwork(readFileSync(listFile, 'utf8'), []);
    const parameters = { ...network.parameters, ...plan.parameters };
    const { validFrom, validUntil } = network;
    const draft = { validFrom, validUntil, parameters, descriptors: network.nodes.map(({ text }) => text) };
    writeFileSync(listFile, signNetwork(draft, readSecretKey(authorityFile)));
  }
  return { ...site, listFile, nodes, client, startClient: (member = client) => site.startClient(member) };
};

const secondsADay = 86_400;

/** Makes accounts, configs, the keys of the authorities and their invitation; starts nothing yet. */
export const foundNetwork = async (plan: JoinPlan): Promise<JoinedNetwork> => {
  let invitation = '';
  const { keys } = plan;
  const keysSection =
    keys === undefined
      ? ''
      : `
[node.keys]
epochDays = ${keys.epochSeconds / secondsADay}
graceDays = ${keys.graceSeconds / secondsADay}
`;
  const site = openSite(plan, { networkSection: '', keysSection, args: () => ['--join', invitation] });
  const section = `
[authority]
period = ${plan.periodSeconds}
lookup = "none"
candidatesPerHour = 1000
probesPerPeriod = ${plan.probesPerPeriod ?? 2}

[authority.parameters]
mixSchedule = "${plan.schedule}"
topology = "${plan.topology ?? 'layers'}"
`;
  const names = Array.from({ length: plan.authorities }, (_, i) => `authority${i + 1}`);
  const authorities = await inTurn(names, (name) => site.addAuthority(name, section));
  const peers = await Promise.all(
    authorities.map(async ({ account, configFile }) => {
      const key = /[0-9a-f]{64}/.exec(await mixmailerHere('network', 'new', '--config', configFile))?.[0] ?? '';
      return `\n[[authority.peers]]\naddress = "${account.address}"\nkey = "${key}"\n`;
    }),
  );
  for (const { configFile } of authorities) appendFileSync(configFile, peers.join(''));
  invitation = (await mixmailerHere('network', 'invite', '--config', authorities[0]?.configFile ?? '')).trim();
  const nodes = await inTurn(namesOf(plan), ([name, isExit]) => site.addNode(name, isExit));
  const client = await site.addClient(await senderOf(plan));
  return {
    ...site,
    nodes,
    client,
    authorities,
    periodSeconds: plan.periodSeconds,
    invitation,
    addNode: (name) => site.addNode(name, true),
    startClient: (member = client) => site.startClient(member),
  };
};
