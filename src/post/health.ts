import { hourMs, minuteMs } from '../base/units.js';
import type { HealthRecord } from '../ports/health.js';

/** One thing that was found. */
export interface Finding {
  readonly kind: 'good' | 'bad' | 'note';
  readonly text: string;
  /** What to do, where something is bad. */
  readonly remedy?: string;
}

export interface Health {
  /** The process is there, and its loops turn. */
  readonly isLive: boolean;
  /** It does its work: it has read its mailbox lately, and has a valid list. */
  readonly isReady: boolean;
  readonly findings: readonly Finding[];
}

/** A process tells of itself every minute. */
const silentMs = 5 * minuteMs;
/** A mailbox that was not read for so long after its time is out of reach. */
const unreadMs = hourMs;

const minutes = (ms: number): string => {
  const count = Math.max(0, Math.round(ms / minuteMs));
  if (count < 120) return `${count} minute${count === 1 ? '' : 's'}`;
  return count < 2880 ? `${Math.round(count / 60)} hours` : `${Math.round(count / 1440)} days`;
};

const dateOf = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** @param name which of them it is */
const mailboxFinding = (
  { pollMs, readAt }: Pick<HealthRecord, 'pollMs' | 'readAt'>,
  now: number,
  name = 'the mailbox',
): Finding => {
  if (pollMs === undefined) return { kind: 'note', text: 'no mailbox is read' };
  const remedy =
    'It tries again by itself, every 15 minutes at the latest. Can the mailbox be logged in to? Its log says what failed.';
  if (readAt === undefined) return { kind: 'bad', text: `${name} was not read since the start`, remedy };
  const text = `${name} was last read about ${minutes(now - readAt)} ago`;
  return now - readAt > pollMs + unreadMs ? { kind: 'bad', text, remedy } : { kind: 'good', text };
};

/** Of all mailboxes; work goes on as long as one of them can be read. */
const mailboxFindings = (
  record: HealthRecord,
  now: number,
): { readonly all: readonly Finding[]; readonly isReading: boolean } => {
  const { pollMs, further = [] } = record;
  const first = mailboxFinding(record, now, further.length === 0 ? 'the mailbox' : 'the first mailbox');
  const others = further.map(({ address, readAt }) =>
    mailboxFinding({ pollMs, readAt }, now, `the mailbox ${address}`),
  );
  const all = [first, ...others];
  return { all, isReading: all.some(({ kind }) => kind !== 'bad') };
};

/**
 * Since when the mailbox of a running process has not been read, where that is longer than it should be; undefined also
 * where nothing is known of it.
 *
 * @param record what it told last
 */
export const unreadSince = ({ at, pollMs, readAt, startedAt }: HealthRecord, now: number): number | undefined => {
  const since = readAt ?? startedAt;
  const isKnown = pollMs !== undefined && now - at <= silentMs;
  return isKnown && now - since > pollMs + unreadMs ? since : undefined;
};

const listFinding = ({ role, listUntil }: HealthRecord, now: number): Finding => {
  // An authority makes lists, the first one too.
  const missing =
    role === 'authority'
      ? ({ kind: 'note' } as const)
      : ({
          kind: 'bad',
          remedy:
            'It asks for the next one by mail, again and again. Is the clock right, and do mails come to the mailbox?',
        } as const);
  if (listUntil === undefined) return { ...missing, text: 'there is no valid list of nodes' };
  if (listUntil <= now) return { ...missing, text: `the list of nodes was valid until ${dateOf(listUntil)}` };
  return { kind: 'good', text: `the list of nodes is valid until ${dateOf(listUntil)}` };
};

const turnFinding = ({ at, isTurning }: HealthRecord, now: number): Finding => {
  const remedy = 'Start it again: nothing is lost by that.';
  if (now - at > silentMs)
    return { kind: 'bad', text: `the process has said nothing of itself for ${minutes(now - at)}`, remedy };
  return isTurning
    ? { kind: 'good', text: 'its loops turn' }
    : { kind: 'bad', text: 'a loop stands still: something that should end in minutes has not', remedy };
};

const lastOnes = ({ role, sentAt, flushedAt }: HealthRecord, now: number): readonly Finding[] => {
  const ago = (what: string, at: number | undefined): Finding[] =>
    at === undefined ? [] : [{ kind: 'note', text: `${what} about ${minutes(now - at)} ago` }];
  return [
    ...ago('a server last took a mail', sentAt),
    ...ago(role === 'client' ? 'the last slot came' : 'the pool was last flushed', flushedAt),
  ];
};

/**
 * What is to be thought of a process.
 *
 * @param record what it told last; undefined: nothing
 * @param isRunning a process is on the data folder
 */
export const judgeHealth = (record: HealthRecord | undefined, isRunning: boolean, now: number): Health => {
  if (!isRunning) {
    const last = record === undefined ? '' : `; the last sign of one is of ${dateOf(record.at)}`;
    return {
      isLive: false,
      isReady: false,
      findings: [
        {
          kind: 'bad',
          text: `no process runs on the data folder${last}`,
          remedy: 'Start it. If it had been started, its log says why it ended.',
        },
      ],
    };
  }
  if (record === undefined) {
    const text = 'a process runs on the data folder, and has told nothing of itself yet';
    const remedy = 'Ask again in a minute. If it stays so, look into its log.';
    return { isLive: false, isReady: false, findings: [{ kind: 'bad', text, remedy }] };
  }
  const live = turnFinding(record, now);
  const stop: readonly Finding[] = record.isStopping
    ? [{ kind: 'bad', text: 'it is coming to its end', remedy: 'Wait for that, 25 s at most; then start it again.' }]
    : [];
  const mailboxes = mailboxFindings(record, now);
  const ready = [listFinding(record, now), ...stop];
  const isLive = live.kind === 'good';
  return {
    isLive,
    isReady: isLive && mailboxes.isReading && ready.every(({ kind }) => kind !== 'bad'),
    findings: [
      { kind: 'good', text: `the ${record.role} runs since ${dateOf(record.startedAt)}` },
      live,
      ...mailboxes.all,
      ...ready,
      ...lastOnes(record, now),
    ],
  };
};

/** The same in one line, for who has started the process. */
export const statusOf = (record: HealthRecord, now: number): string => {
  const { isReady, findings } = judgeHealth(record, true, now);
  const bad = findings.filter(({ kind }) => kind === 'bad').map(({ text }) => text);
  return isReady ? 'at work' : bad.join('; ');
};
