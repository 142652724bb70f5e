import type { Command } from 'commander';
import { freeBytes } from '../adapters/disk.js';
import { probeImap } from '../adapters/imap-inbox.js';
import { surveyMailbox } from '../adapters/imap-survey.js';
import { probeSmtp } from '../adapters/smtp-outbox.js';
import { systemClock } from '../adapters/system.js';
import { loadConfig } from '../config.js';
import { sectionsIn } from '../config-mail.js';
import { withConfig } from './config-option.js';
import { checkBudget } from './check-budget.js';
import { checkFiles } from './check-files.js';
import { checkNetwork } from './check-network.js';
import { checkImap, checkKeys, checkSmtp, type Probes } from './check.js';
import { diagnoseMailbox, diagnoseWay, type MailboxProbes } from './doctor-mailbox.js';
import { diagnoseDisk, diagnoseHeartbeat, diagnosePause, diagnoseProcess, type DiskProbe } from './doctor-process.js';
import { greetSelfOn } from './plus-probe.js';
import { Report } from './report.js';

type DoctorProbes = Pick<Probes, 'imap' | 'smtp'> & MailboxProbes & DiskProbe;

interface Options {
  readonly config: string;
  readonly json?: true;
  readonly mail: boolean;
}

/** `mixmailer doctor`: what is wrong with a running installation, and what mends it. */
export const register = (
  program: Command,
  probes: DoctorProbes = { imap: probeImap, smtp: probeSmtp, survey: surveyMailbox, greetSelf: greetSelfOn, freeBytes },
): void => {
  withConfig(
    program
      .command('doctor')
      .description('find what is wrong with a running node, client or authority, and say how to mend it'),
    'its configuration file',
    'node',
    'client',
  )
    .option('--json', 'as JSON')
    .option('--no-mail', 'send no mail to itself: then where mails come, and the clock, are not looked at')
    .addHelpText(
      'after',
      `
It disturbs nothing: the running process goes on, its database and the mailbox are read only, apart from one small mail that the account sends
to itself and that is removed. What it says are states and counts, of no mail in particular. Ends with 0 if all is well, with 1 if not.`,
    )
    .action(async (options: Options, command: Command) => {
      const report = new Report(command, options.json ? 'json' : 'lines');
      const config = loadConfig(options.config);
      const now = systemClock.now();
      report.good(`configuration ${config.file}`);
      diagnoseProcess(config, report, now);
      diagnoseDisk(config, probes, report);
      checkFiles(config, report);
      const nodeId = checkKeys(config, report, now);
      checkNetwork(config, report, { now, nodeId });
      diagnoseHeartbeat(config, report);
      checkBudget(config, report, now);
      diagnosePause(config, report, now);
      for (const section of sectionsIn(config.mail)) {
        const before = report.problems;
        await checkImap(section, probes, report);
        await checkSmtp(section, probes, report);
        if (report.problems > before) continue;
        await diagnoseMailbox(section, probes, report);
        if (options.mail) await diagnoseWay(section, probes, report);
      }
      report.conclude();
    });
};
