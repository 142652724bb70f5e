import { StoreError } from '../base/errors.js';
import { grownAt, isWarned, perDayAt } from '../carrier/budget.js';
import type { Limits } from '../provider/provider.js';
import { viewAccount } from '../compose-view.js';
import type { Config } from '../config.js';
import { type AccountSection, named, sectionsIn } from '../config-mail.js';
import { shortTime } from './print.js';
import type { Report } from './report.js';

const rates = ({ perHour, perMinute }: Limits): string =>
  [
    ...(perHour === undefined ? [] : [`, ${perHour} an hour`]),
    ...(perMinute === undefined ? [] : [`, ${perMinute} a minute`]),
  ].join('');

/** Says how many mails each account may send, and why. */
export const checkBudget = (config: Config, report: Report, now: number): void => {
  for (const section of sectionsIn(config.mail)) checkOne(config, section, report, now);
};

const checkOne = (config: Config, section: AccountSection, report: Report, now: number): void => {
  const { provider, budget } = section.account;
  const { limits, isGuess } = budget;
  try {
    const account = viewAccount(config, section, now);
    report.good(`this account may send ${perDayAt(account, limits, now)} mails a day${named(section)}`);
    if (now < grownAt(account))
      report.detail(
        `a third of what it may from ${shortTime(grownAt(account))} UTC on, when it is 30 days old; say in ${section.section}.budget.since if it is older`,
      );
    if (isWarned(account, now))
      report.note(
        `its server spoke of a limit on ${shortTime(account.limitedAt ?? now)} UTC: it gets less until that is some weeks ago`,
      );
    report.detail(`limits of the account: ${limits.perDay} mails a day${rates(limits)}`);
    if (isGuess)
      report.note(
        `nothing is known of ${provider}: if it allows more mails a day than that, say so in ${section.section}.budget.perDay`,
      );
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    report.wrong(error.message, ['Run this check as the user this program runs as.']);
  }
};
