import type { Command } from 'commander';
import { systemClock } from '../adapters/system.js';
import { unreachable } from '../base/errors.js';
import { dayMs, hourMs, minuteMs } from '../base/units.js';
import { type QueueView, readQueue } from '../compose.js';
import { loadConfig } from '../config.js';
import { wordsFor } from '../message/report.js';
import { isOverFloor, type Meter } from '../mix/meter.js';
import type { MessageStatus } from '../ports/client-store.js';
import { withConfig } from './config-option.js';
import { printer, shortTime, table } from './print.js';

const ordinal = (count: number): string => {
  const ending = count % 100 >= 11 && count % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th');
  return `${count}${ending}`;
};

/** How far the message is, in words. */
const stateOf = ({ state, sendings, nextAt, settledAt, ending }: MessageStatus): string => {
  const at = (time: number | undefined): string => (time === undefined ? '' : ` ${shortTime(time)}`);
  switch (state) {
    case 'waiting':
      return 'waiting';
    case 'in-network':
      return `in the network, ${ordinal(sendings)} sending, next at${at(nextAt)}`;
    case 'sent':
      return `sent${at(settledAt)}`;
    case 'delivered':
      return `delivered${at(settledAt)}`;
    case 'failed':
      return `failed${at(settledAt)}: ${ending === undefined ? 'unknown' : wordsFor(ending)}`;
    default:
      return unreachable(state);
  }
};

/** `8.1 bits`; `unknown` where the list of nodes does not tell. */
export const bitsText = (bits: number | undefined): string =>
  bits === undefined ? 'unknown' : `${bits.toFixed(1)} bits`;

/** What a message hides among: as it was sent, or as it would be now. */
const anonymityOf = ({ state, bits }: MessageStatus, meter: Meter): string => {
  if (state !== 'waiting') return bitsText(bits);
  if (isOverFloor(meter)) return bitsText(meter.bits);
  return `waits: ${meter.bits?.toFixed(1) ?? 'unknown'} of ${meter.floorBits.toFixed(1)} bits`;
};

/** `3 min`, `5 h`, `2 d`. */
const ageOf = (ageMs: number): string => {
  if (ageMs < hourMs) return `${Math.max(0, Math.floor(ageMs / minuteMs))} min`;
  return ageMs < 2 * dayMs ? `${Math.floor(ageMs / hourMs)} h` : `${Math.floor(ageMs / dayMs)} d`;
};

const longestAddress = 40;
const shortened = (address: string): string =>
  address.length <= longestAddress ? address : `${address.slice(0, longestAddress - 3)}...`;

/** A message as a line of the table. Times are UTC. */
const rowOf = (message: MessageStatus, meter: Meter, now: number): readonly string[] => [
  shortTime(message.submittedAt),
  ageOf(now - message.submittedAt),
  shortened(message.recipient ?? ''),
  anonymityOf(message, meter),
  stateOf(message),
];

const isoTime = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

/** A message as programs read it. */
const recordOf = (
  { id, recipient, state, submittedAt, sendings, nextAt, settledAt, ending, bits }: MessageStatus,
  meter: Meter,
) => ({
  id,
  recipient: recipient ?? null,
  state,
  submittedAt: isoTime(submittedAt),
  sendings,
  nextAt: isoTime(nextAt),
  settledAt: isoTime(settledAt),
  reason: state === 'failed' && ending !== undefined ? wordsFor(ending) : null,
  bits: (state === 'waiting' ? meter.bits : bits) ?? null,
  floorBits: state === 'waiting' && !isOverFloor(meter) ? meter.floorBits : null,
});

/** What is to be known of the mailbox, where a message waits for what comes there. */
const mailboxLines = ({ messages, unreadSince }: QueueView): readonly string[] => {
  const waits = messages.some(({ state }) => state === 'waiting' || state === 'in-network');
  if (!waits || unreadSince === undefined) return [];
  return [
    '',
    `The mailbox has not been read to its end since about ${shortTime(unreadSince)} UTC. Until it can be read nothing is sent again or given up; "mixmailer health" and the log say more.`,
  ];
};

/** What the command prints: a line a message, or that there is none. */
export const queueLines = (view: QueueView, now: number): readonly string[] =>
  view.messages.length === 0
    ? ['no message waits, and none was sent in the last 7 days']
    : [
        ...table([
          ['submitted (UTC)', 'age', 'recipient', 'anonymity', 'state'],
          ...view.messages.map((message) => rowOf(message, view.meter, now)),
        ]),
        ...mailboxLines(view),
      ];

export const register = (program: Command): void => {
  withConfig(
    program
      .command('queue')
      .description("show the client's messages and what became of them, as long as they are remembered (7 days)"),
    'configuration file',
    'client',
  )
    .option('--json', 'as JSON, a list of messages')
    .action(({ config: file, json }: { readonly config: string; readonly json?: true }, command: Command) => {
      const now = systemClock.now();
      const view = readQueue(loadConfig(file), now);
      const print = printer(command);
      const records = view.messages.map((message) => recordOf(message, view.meter));
      if (json) print(JSON.stringify(records, undefined, 2));
      else print(...queueLines(view, now));
    });
};
