import { accountOf } from '../adapters/secrets.js';
import type { Account } from '../adapters/secrets.js';
import type { Survey } from '../adapters/imap-survey.js';
import { ConfigError, MailError } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import { carrierSubject } from '../carrier/carrier.js';
import { type AccountSection, named } from '../config-mail.js';
import type { Quota } from '../ports/mail.js';
import type { SelfMail } from '../setup/self-mail.js';
import { selfMailTrouble } from '../setup/trouble.js';
import { deadlineMs, tellMailProblem } from './check.js';
import type { Accounts } from './plus-probe.js';
import type { Report } from './report.js';

/** What the doctor asks of the mail adapters beside what the check asks. They reject with MailError. */
export interface MailboxProbes {
  readonly survey: (account: Account, subject: string, signal: AbortSignal) => Promise<Survey>;
  readonly greetSelf: (own: string, accounts: Accounts, signal: AbortSignal) => Promise<SelfMail>;
}

/** With less room than for some full mails of packets a mailbox is about to be full. */
const leastRoomBytes = 20 * 1024 * 1024;
const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;

const tellQuota = (quota: Quota | undefined, report: Report): void => {
  if (quota === undefined) {
    report.note('the server does not say how full the mailbox is');
    return;
  }
  const { usedBytes, limitBytes } = quota;
  const text = `${megabytes(usedBytes)} of ${megabytes(limitBytes)} are used`;
  if (limitBytes - usedBytes >= Math.min(leastRoomBytes, limitBytes / 10)) report.good(`the mailbox has room: ${text}`);
  else
    report.wrong(`the mailbox is nearly full: ${text}`, [
      'Empty it, the trash and other folders too: a full mailbox takes no packets.',
    ]);
};

const tellFolders = ({ folders }: Survey, report: Report): void => {
  for (const { path, use, count } of folders) {
    const mails = `${count} ${count === 1 ? 'mail' : 'mails'} with packets`;
    if (use === 'other')
      report.wrong(`${mails} in ${path}, where nobody reads them`, [
        'Remove the filter that puts them there, and move them into the inbox.',
      ]);
    else if (use === 'junk')
      report.note(
        `${mails} in ${path}: the provider takes them for spam. They are read there too; a filter "never spam" for the subject "${carrierSubject}" is better`,
      );
  }
};

/** How full the mailbox is, and whether packets lie where they are not read. Nothing is changed there. */
export const diagnoseMailbox = async (where: AccountSection, probes: MailboxProbes, report: Report): Promise<void> => {
  const { imap } = where.account;
  if (imap === undefined) return;
  const name = `${where.section}.imap`;
  const account = accountOf(name, imap, where.proxy);
  try {
    const survey = await report.during(
      `looking through the folders at ${imap.host}`,
      probes.survey(account, carrierSubject, AbortSignal.timeout(deadlineMs)),
    );
    tellQuota(survey.quota, report);
    tellFolders(survey, report);
  } catch (error) {
    tellMailProblem(name, account, { error, report });
  }
};

/** Mails are under way for seconds; a clock that is off by more than this is set wrong. */
const clockMs = 2 * minuteMs;

/** Holds this machine's clock against the one of the server that stamped the mail. */
const tellClock = (mail: SelfMail & { readonly kind: 'arrived' }, report: Report): void => {
  const { stampedAt, cameAt, afterMs } = mail;
  if (stampedAt === undefined) {
    report.note('the server put no time on the mail: look yourself whether the clock of this machine is right');
    return;
  }
  const aheadMs = cameAt - afterMs - stampedAt;
  const behindMs = stampedAt - cameAt;
  const off = Math.max(aheadMs, behindMs);
  if (off <= clockMs) report.good('the clock goes with that of the mail server');
  else
    report.wrong(
      `the clock of this machine is ${aheadMs > behindMs ? 'ahead' : 'behind'} by about ${Math.round(off / minuteMs)} minutes, as the mail server has it`,
      ['Set it: timedatectl set-ntp true. By a wrong clock lists are not valid, and keys are those of another week.'],
    );
};

/** Sends one mail to itself: whether it is taken, where it comes, after which time, and what time it was. */
export const diagnoseWay = async (where: AccountSection, probes: MailboxProbes, report: Report): Promise<void> => {
  const { section, proxy } = where;
  const { address, imap, smtp } = where.account;
  if (imap === undefined) return;
  const name = `${section}.imap`;
  const accounts = { imap: accountOf(name, imap, proxy), smtp: accountOf(`${section}.smtp`, smtp, proxy) };
  try {
    const mail = await report.during(
      'sending a mail to itself, and waiting for it',
      probes.greetSelf(address, accounts, AbortSignal.timeout(2 * deadlineMs)),
    );
    const trouble = selfMailTrouble(mail);
    if (trouble !== undefined) {
      report.wrong(`a mail to itself: ${mail.kind === 'lost' ? 'did not come' : mail.kind}`, [`${trouble.sentence}.`]);
      return;
    }
    if (mail.kind !== 'arrived') return;
    report.good(`a mail to itself came into ${mail.folder} after ${(mail.afterMs / 1000).toFixed(1)} s${named(where)}`);
    if (mail.folder.toUpperCase() !== 'INBOX')
      report.note(`it was put into ${mail.folder}: mark it as no spam in the web mail, or packets may go the same way`);
    tellClock(mail, report);
  } catch (error) {
    if (!(error instanceof MailError || error instanceof ConfigError)) throw error;
    tellMailProblem(name, accounts.imap, { error, report });
  }
};
