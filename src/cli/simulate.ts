import { type Command, Option } from 'commander';
import { plotInto } from '../adapters/plots.js';
import { ConfigError } from '../base/errors.js';
import { streamRng } from '../base/random.js';
import { minuteMs } from '../base/units.js';
import { bundleClasses } from '../carrier/bundle.js';
import { compareDefaults, type CompareOptions, compareSteps, ourRow, type Row } from '../sim/compare.js';
import { daysToContacts } from './adversaries.js';
import { chartsOf } from './charts.js';
import { adversaries, delayedNetworks, find, findingLines, type Question, studies } from './findings.js';
import { printer, table } from './print.js';
import { stepsOf } from './progress.js';

const columns: readonly (readonly [string, (row: Row) => string])[] = [
  ['network', ({ name }) => name],
  ['tuning', ({ tuning }) => tuning],
  ['load', ({ load }) => `${Number(load.toPrecision(2))}`],
  ['median min', ({ medianLatencyMin }) => medianLatencyMin.toFixed(1)],
  ['p99 min', ({ p99LatencyMin }) => p99LatencyMin.toFixed(1)],
  ['recipient bits', ({ recipientEntropyBits }) => recipientEntropyBits.toFixed(2)],
  ['lowest', ({ recipientEntropyMinBits }) => recipientEntropyMinBits.toFixed(2)],
  [
    'aware/blind',
    ({ hopAwareRecipientEntropyBits, hopBlindRecipientEntropyBits }) =>
      `${hopAwareRecipientEntropyBits.toFixed(2)}/${hopBlindRecipientEntropyBits.toFixed(2)}`,
  ],
  ['sender bits', ({ senderEntropyBits }) => senderEntropyBits.toFixed(2)],
  ['guessed %', ({ observerSuccess }) => (100 * observerSuccess).toFixed(2)],
  ['relay mails', ({ relayMailsPerNodeDay }) => relayMailsPerNodeDay.toFixed(0)],
  ['busiest', ({ busiestNodeMailsPerDay }) => busiestNodeMailsPerDay.toFixed(0)],
  ['MB', ({ relayMegabytesPerNodeDay }) => relayMegabytesPerNodeDay.toFixed(0)],
  ['mails/message', ({ mailsPerMessage }) => mailsPerMessage.toFixed(1)],
  ['pace wait min', ({ paceWaitMin }) => paceWaitMin.toFixed(1)],
];

/** What the command prints of those rows. */
export const simulationLines = (rows: readonly Row[]): readonly string[] =>
  table([columns.map(([name]) => name), ...rows.map((row) => columns.map(([, cell]) => cell(row)))]);

/** @throws ConfigError when the text is no such number */
const numberIn = (
  name: string,
  text: string,
  { above, most }: { readonly above: number; readonly most: number },
): number => {
  const value = Number(text);
  if (!(value > above && value <= most))
    throw new ConfigError(`${name}: expected a number above ${above}, at most ${most}, got ${JSON.stringify(text)}`);
  return value;
};

const wholeIn = (
  name: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new ConfigError(`${name}: expected an integer from ${least} to ${most}, got ${JSON.stringify(text)}`);
  return value;
};

interface Flags {
  readonly nodes: string;
  readonly load: string;
  readonly days: string;
  readonly seed: string;
  readonly targets: string;
  readonly paceMinutes: string;
  readonly pacePackets: string;
  readonly paceQuestions: string;
  readonly compare?: true;
  readonly adversary?: Question;
  readonly study?: Question;
  readonly plots?: string;
  readonly json?: true;
}

const optionsOf = (flags: Flags): CompareOptions => {
  const paceMinutes = Number(flags.paceMinutes);
  const packets = bundleClasses.find((size) => size === Number(flags.pacePackets));
  if (packets === undefined)
    throw new ConfigError(`--pace-packets: expected ${bundleClasses.join(', ')}, got ${flags.pacePackets}`);
  return {
    nodes: wholeIn('--nodes', flags.nodes, { least: 9, most: 10_000 }),
    load: numberIn('--load', flags.load, { above: 0, most: 1000 }),
    days: numberIn('--days', flags.days, { above: 0, most: 1000 }),
    seed: wholeIn('--seed', flags.seed, { least: 0, most: 2 ** 32 - 1 }),
    targets: wholeIn('--targets', flags.targets, { least: 1, most: 100_000 }),
    pace:
      paceMinutes === 0
        ? undefined
        : {
            meanMs: numberIn('--pace-minutes', flags.paceMinutes, { above: 0, most: 1_000_000 }) * minuteMs,
            packets,
            questions:
              Number(flags.paceQuestions) === 0
                ? 0
                : numberIn('--pace-questions', flags.paceQuestions, { above: 0, most: 0.9 }),
          },
  };
};

export const register = (program: Command): void => {
  const { nodes, load, days, seed, targets, pace } = compareDefaults;
  program
    .command('simulate')
    .description('simulate a network, and say what an observer of all mails finds out and what it costs')
    .option('--compare', 'ours at three loads, and Mixmaster, YAMN, Mixminion and Loopix beside it')
    .option('--nodes <n>', 'nodes of the network', `${nodes}`)
    .option('--load <n>', 'packets of messages that a node handles in a minute', `${load}`)
    .option('--days <n>', 'how long messages are counted', `${days}`)
    .option('--seed <n>', 'the same seed gives the same figures', `${seed}`)
    .option('--targets <n>', 'messages whose link the observer looks for', `${targets}`)
    .option(
      '--pace-minutes <n>',
      "mean time between a client's mails; 0: only when there is a message",
      `${(pace?.meanMs ?? 0) / minuteMs}`,
    )
    .option('--pace-packets <n>', 'packets in each of them: 1, 4, 16 or 64', `${pace?.packets ?? 1}`)
    .option(
      '--pace-questions <part>',
      'the part of them in which an exit is asked; 0: exits answer each message',
      `${pace?.questions ?? 0}`,
    )
    .addOption(new Option('--adversary <name>', 'what that one finds out').choices(adversaries))
    .addOption(
      new Option('--study <name>', 'the network in other circumstances, or with other settings').choices(studies),
    )
    .option('--plots <folder>', 'draw what --compare finds, and days to disclosure, into that folder')
    .option('--json', 'as JSON, a list of rows')
    .action(async (flags: Flags, command: Command) => {
      const options = optionsOf(flags);
      const print = printer(command);
      const during = stepsOf(command);
      const question = flags.adversary ?? flags.study;
      if (question !== undefined) {
        const findings = during(`simulating: ${question}`, () => find(question, options));
        print(...(flags.json ? [JSON.stringify(findings.rows, undefined, 2)] : findingLines(findings)));
        return;
      }
      const isCompared = flags.compare ?? flags.plots !== undefined;
      const steps = isCompared ? compareSteps(options) : [{ name: 'mixmailer', rows: () => [ourRow(options)] }];
      const rows = steps.flatMap((step, i) =>
        during(`simulating ${step.name}, ${i + 1} of ${steps.length}`, step.rows),
      );
      if (flags.json) print(JSON.stringify(rows, withoutLatencies, 2));
      else print(...simulationLines(rows));
      if (flags.plots !== undefined) await plot(flags.plots, rows, options);
    });
};

/** A number for each message is more than anybody reads. */
const withoutLatencies = (key: string, value: unknown): unknown => (key === 'latenciesMin' ? undefined : value);

const plot = async (folder: string, rows: readonly Row[], options: CompareOptions): Promise<void> => {
  const delayed = delayedNetworks(options);
  const days = daysToContacts(delayed, streamRng(options.seed));
  const disclosed = delayed.map(({ name, sending }, place) => ({
    name: sending.kind === 'paced' ? `${name}, every ${sending.meanMin} min` : name,
    days: days[place] ?? Infinity,
  }));
  await plotInto(folder, 'How anonymous MixMailer is, simulated', chartsOf(rows, disclosed));
};
