import type { Command } from 'commander';
import { hasIdentity } from '../adapters/file-keys.js';
import { type AccountSection, named, sectionsIn } from '../config-mail.js';
import { writePlusAddress } from '../adapters/plus-address.js';
import { type Account, accountOf } from '../adapters/secrets.js';
import { ConfigError, MailError, StoreError } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import { type Config, loadConfig } from '../config.js';
import { publicKeyOf } from '../route/document.js';
import { withConfig } from './config-option.js';
import { checkBudget } from './check-budget.js';
import { checkFiles } from './check-files.js';
import { checkNetwork } from './check-network.js';
import { loginAdvice, mailAdvice } from './mail-advice.js';
import { probeImap } from '../adapters/imap-inbox.js';
import { probeSmtp } from '../adapters/smtp-outbox.js';
import { openNodeKeys } from '../node-keys.js';
import { type PlusFinding, probePlusAddressOf } from './plus-probe.js';
import { shortTime } from './print.js';
import { Report } from './report.js';

/** What the check asks of the mail adapters: log in, look around, leave; at an exit, one mail. They reject with MailError. */
export interface Probes {
  readonly imap: (account: Account, signal: AbortSignal) => Promise<ImapLook>;
  readonly smtp: (account: Account, signal: AbortSignal) => Promise<SmtpLook>;
  readonly plusAddress: (
    own: string,
    accounts: { readonly imap: Account; readonly smtp: Account },
    signal: AbortSignal,
  ) => Promise<PlusFinding>;
}

export interface ImapLook {
  readonly capabilities: readonly string[];
  readonly folders: readonly { readonly path: string; readonly specialUse: string | undefined }[];
  readonly inbox: string;
  readonly junk: string | undefined;
  readonly trash: string | undefined;
  readonly sent: string | undefined;
  readonly canRemove: boolean;
  readonly canIdle: boolean;
}

export interface SmtpLook {
  readonly extensions: readonly string[];
  readonly maxMailBytes: number | undefined;
}

/** A node's bundle of 64 packets in base64 is 2.9 MB; providers' limits begin at 10. */
const smallestMailLimitBytes = 3_000_000;
export const deadlineMs = 2 * minuteMs;

/** `mixmailer check`: tries everything a start needs, and says in words what is wrong and how to mend it. */
export const register = (
  program: Command,
  probes: Probes = { imap: probeImap, smtp: probeSmtp, plusAddress: probePlusAddressOf },
): void => {
  withConfig(
    program
      .command('check')
      .description(
        'log in, look around, and say what is wrong and how to mend it; an exit sends one small mail to itself',
      ),
    'configuration of a node, a client or an authority',
    'node',
    'client',
  )
    .option('--json', 'as JSON')
    .action(async (options: { readonly config: string; readonly json?: true }, command: Command) => {
      const report = new Report(command, options.json ? 'json' : 'lines');
      const config = loadConfig(options.config);
      report.good(`configuration ${config.file}`);
      for (const section of sectionsIn(config.mail)) {
        await checkImap(section, probes, report);
        await checkSmtp(section, probes, report);
      }
      checkBudget(config, report, Date.now());
      if (config.node?.exit === true && report.problems === 0) await checkPlusAddress(config, probes, report);
      const now = Date.now();
      checkFiles(config, report);
      const nodeId = checkKeys(config, report, now);
      checkNetwork(config, report, { now, nodeId });
      report.conclude();
    });
};

/** Logs in over IMAP, and says what the mailbox is like. */
export const checkImap = async (where: AccountSection, probes: Pick<Probes, 'imap'>, report: Report): Promise<void> => {
  const { imap } = where.account;
  if (imap === undefined) {
    report.note('no [mail.imap]: a client only sends, it can do without');
    return;
  }
  const name = `${where.section}.imap`;
  const account = accountOf(name, imap, where.proxy);
  try {
    const look = await report.during(
      `logging in over IMAP at ${imap.host}`,
      probes.imap(account, AbortSignal.timeout(deadlineMs)),
    );
    report.good(`logged in over IMAP at ${imap.host}:${imap.port}${named(where)}`);
    report.detail(`capabilities: ${look.capabilities.join(' ')}`);
    report.detail(
      `folders: ${look.folders.map(({ path, specialUse }) => (specialUse === undefined ? path : `${path} (${specialUse})`)).join(', ')}`,
    );
    report.detail(
      `packets are looked for in: ${[look.inbox, ...(look.junk === undefined ? [] : [look.junk])].join(', ')}`,
    );
    if (look.trash !== undefined && look.capabilities.includes('X-GM-EXT-1'))
      report.detail(`removed through: ${look.trash}`);
    if (look.junk === undefined)
      report.note('no junk folder is marked as such: packets taken for spam would not be found');
    if (!look.canIdle) report.note('the server gives no notice of new mail (IDLE): it is found by polling only');
    if (!look.canRemove)
      report.wrong('the server can not remove single mails (no UIDPLUS)', [
        'Nothing is ever removed there, and the mailbox fills up. Use a mailbox at another provider.',
      ]);
  } catch (error) {
    tellMailProblem(name, account, { error, report });
  }
};

/** The same over SMTP; sends nothing. */
export const checkSmtp = async (where: AccountSection, probes: Pick<Probes, 'smtp'>, report: Report): Promise<void> => {
  const { smtp } = where.account;
  const name = `${where.section}.smtp`;
  const account = accountOf(name, smtp, where.proxy);
  try {
    const look = await report.during(
      `logging in over SMTP at ${smtp.host}`,
      probes.smtp(account, AbortSignal.timeout(deadlineMs)),
    );
    report.good(`logged in over SMTP at ${smtp.host}:${smtp.port}${named(where)}`);
    report.detail(`extensions: ${look.extensions.join(', ')}`);
    if (look.maxMailBytes !== undefined && look.maxMailBytes < smallestMailLimitBytes)
      report.wrong(`the server takes mails up to ${look.maxMailBytes} bytes only`, [
        `Full mails of packets have ${smallestMailLimitBytes}. Use an account at another provider.`,
      ]);
  } catch (error) {
    tellMailProblem(name, account, { error, report });
  }
};

/** How replies find their way back is the exit's affair alone, and what is found out here stays in its data folder. */
const checkPlusAddress = async (config: Config, probes: Probes, report: Report): Promise<void> => {
  const { address, imap, smtp, proxy } = config.mail;
  if (imap === undefined) return;
  const accounts = { imap: accountOf('mail.imap', imap, proxy), smtp: accountOf('mail.smtp', smtp, proxy) };
  report.detail('plus addresses: this account sends itself one small mail and waits for it, 2 minutes at most');
  try {
    const finding = await report.during(
      'sending a mail to a plus address of its own, and waiting for it',
      probes.plusAddress(address, accounts, AbortSignal.timeout(2 * deadlineMs)),
    );
    if (finding === 'not sent') {
      report.note('the server took no mail now, so plus addresses are not tested: run this check again later');
      return;
    }
    writePlusAddress(config.data, finding === 'arrived');
    if (finding === 'arrived') report.good('plus addresses arrive: replies are matched by them');
    else report.note('no mail to a plus address arrived: replies are matched by their In-Reply-To');
  } catch (error) {
    if (error instanceof StoreError || error instanceof ConfigError)
      report.wrong(error.message, ['Run this check as the user the node runs as.']);
    else tellMailProblem('mail.imap', accounts.imap, { error, report });
  }
};

/** Says why an account could not be talked to, and what to do. Other errors than the world's are thrown on. */
export const tellMailProblem = (
  section: string,
  account: Account,
  { error, report }: { readonly error: unknown; readonly report: Report },
): void => {
  // The adapters wrap a secret that can't be had into a failed log-in.
  const secret = error instanceof MailError && error.cause instanceof ConfigError ? error.cause : error;
  if (secret instanceof ConfigError)
    report.wrong(secret.message, ['Try the file, variable or command by hand, as the user this program runs as.']);
  else if (error instanceof MailError) {
    const advice =
      error.code === 'mail/login' ? loginAdvice(section, account.host) : mailAdvice(section, account, error);
    report.wrong(`${section}: ${error.message}`, advice);
  } else throw error;
};

/** @returns the node's id, if there is a node with keys */
export const checkKeys = (config: Config, report: Report, now: number): string | undefined => {
  if (config.node === undefined) return undefined;
  if (!hasIdentity(config.data)) {
    if (config.network?.kind === 'list')
      report.wrong('the node has no keys yet', [`Run: mixmailer keygen --config ${config.file}`]);
    else report.note('the node has no keys yet: it makes them when it starts');
    return undefined;
  }
  try {
    const keys = openNodeKeys(config);
    const nodeId = publicKeyOf(keys.identity());
    const last = keys.mixKeys(now).at(-1);
    report.good(`keys of node ${nodeId}, the last one used until ${shortTime(last?.notAfter ?? now)} UTC`);
    return nodeId;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StoreError)) throw error;
    report.wrong(error.message, ['A key that others could read is no longer a secret: think of making new ones.']);
    return undefined;
  }
};
