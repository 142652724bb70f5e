import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { smtpTap } from '../servers/smtp-tap.js';
import type { SeenMail } from '../servers/smtp-tap.js';
import { mixmailer, Running } from './processes.js';

/** A network to be: who takes part, and how fast it mixes. */
export interface Plan {
  /** An empty folder for configs, keys and databases. */
  readonly folder: string;
  readonly world: MailWorld;
  readonly nodes: number;
  /** How many of the nodes are exits, counted from the last one; all of them unless said otherwise. */
  readonly exits?: number;
  /** How the exits know answers: `node.replies.alias`. */
  readonly alias?: 'plus' | 'message-id';
  /** Whose client sends; alice@home.test unless said otherwise. */
  readonly sender?: { readonly user: string; readonly domain: string };
  /** Reply blocks in every message of a client: `client.replies.blocks`; none unless said otherwise. */
  readonly replyBlocks?: number;
  /** Cron expression of the mix interval. */
  readonly schedule: string;
  readonly loopsPerInterval: number;
  /** Mean of the client's random delay for each packet. */
  readonly spreadSeconds: number;
  /** Sees every mail that a node or the client hands to its provider. */
  readonly onMail?: (mail: SeenMail) => void;
}

export interface Member {
  readonly account: Account;
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

const mailSection = ({ address, user, imap, smtp }: Account, smtpPort: number): string => `[mail]
address = "${address}"

[mail.imap]
host = "${imap.host}"
port = ${imap.port}
security = "none"
user = "${user}"
passwordFile = "password"

[mail.smtp]
host = "${smtp.host}"
port = ${smtpPort}
security = "none"
user = "${user}"
passwordFile = "password"
`;

const writeMember = (folder: string, account: Account, config: string): Member => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(folder, 'password'), `${account.password}\n`, { mode: 0o600 });
  const configFile = path.join(folder, 'mixmailer.toml');
  writeFileSync(configFile, config);
  return { account, configFile };
};

/** Makes accounts, configs, keys, descriptors and the signed list; starts nothing yet. */
export const layNetwork = async (plan: Plan): Promise<TestNetwork> => {
  const { folder, world } = plan;
  const authorityFile = path.join(folder, 'authority.key');
  const listFile = path.join(folder, 'network.txt');
  const authority = /[0-9a-f]{64}/.exec(await mixmailer('keygen', '--authority', authorityFile))?.[0] ?? '';
  const networkSection = `
[network]
list = "${listFile}"
authorities = ["${authority}"]
threshold = 1
`;
  const names = Array.from({ length: plan.nodes }, (_, i) => `mix${i + 1}`);
  const { user, domain } = plan.sender ?? { user: 'alice', domain: 'home.test' };
  const sender = await world.addAccount(user, domain);
  const taps = new Map<string, { readonly port: number; readonly close: () => Promise<void> }>();
  const doorOf = async (account: Account): Promise<number> => {
    if (plan.onMail === undefined) return account.smtp.port;
    const tap = await smtpTap(account.smtp.port, plan.onMail);
    taps.set(account.address, tap);
    return tap.port;
  };
  const firstExit = plan.nodes - (plan.exits ?? plan.nodes);
  const nodes: Member[] = [];
  for (const [i, name] of names.entries()) {
    // Every node at a provider of its own.
    const account = await world.addAccount(name, `${name}.test`);
    const config = `data = "data"
${mailSection(account, await doorOf(account))}${networkSection}
[node]
name = "${name}"
exit = ${i >= firstExit}

[node.cover]
loopsPerInterval = ${plan.loopsPerInterval}

[node.replies]
alias = "${plan.alias ?? 'message-id'}"
`;
    nodes.push(writeMember(path.join(folder, name), account, config));
  }
  const addClient = async (account: Account): Promise<Member> => {
    const config = `data = "data"
${mailSection(account, await doorOf(account))}${networkSection}
[client]
poll = 1

[client.submission]
port = 0

[client.pace]
schedule = "* * * * * *"
spreadSeconds = ${plan.spreadSeconds}

[client.replies]
blocks = ${plan.replyBlocks ?? 0}
`;
    return writeMember(path.join(folder, account.address), account, config);
  };
  const client = await addClient(sender);
  const descriptors = await Promise.all(
    nodes.map(async ({ configFile }, i) => {
      await mixmailer('keygen', '--config', configFile);
      const file = path.join(folder, `${names[i] ?? ''}.descriptor`);
      await mixmailer('descriptor', '--config', configFile, '--out', file);
      return file;
    }),
  );
  await mixmailer(
    ...['network', 'sign', '--authority', authorityFile, '--out', listFile],
    ...['--mix-schedule', plan.schedule, ...descriptors],
  );
  return {
    nodes,
    client,
    addClient,
    doorOf,
    startNode: async ({ account, configFile }) => {
      const running = new Running(account.address, 'node', '--config', configFile);
      await running.says(/^running/m);
      return running;
    },
    startClient: async ({ account, configFile } = client) => {
      const running = new Running(`client of ${account.address}`, 'client', '--config', configFile);
      const [, port = '', user = '', token = ''] = await running.says(
        /port\s+(\d+)[^]*user\s+(\S+)[^]*password\s+(\S+)\n/,
      );
      return { running, port: Number(port), user, token };
    },
    close: async () => {
      await Promise.all([...taps.values()].map((tap) => tap.close()));
    },
  };
};
