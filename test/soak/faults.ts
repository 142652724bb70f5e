import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from '../servers/mail-world.js';
import type { Actor } from './actor.js';
import type { Answer } from './gate.js';
import type { FaultKind, PlannedFault } from './plan.js';
import type { SoakWorld } from './world.js';

export interface FaultDeps {
  readonly actors: readonly Actor[];
  readonly soak: SoakWorld;
  /** Mailboxes of those to whom letters are written. */
  readonly readers: readonly Account[];
  /** How much faster the processes' clocks run. */
  readonly factor: number;
}

const minuteMs = 60_000;

/** The element at that place, from 0 to 1. */
const at = <T>(items: readonly T[], place: number): T | undefined => items[Math.floor(place * items.length)];

type Where = 'imap' | 'smtp';

interface Said {
  readonly where: Where;
  readonly answer: Answer;
  readonly times: number;
}

const command = (pattern: RegExp, text: string): Answer => ({ at: 'command', command: pattern, text });

/** After this word an account sends nothing for six hours of its clock, and a network of five nodes stands still if each has heard it. */
const limit: Said = {
  where: 'smtp',
  answer: command(/^MAIL /i, '550 5.4.5 daily user sending limit exceeded'),
  times: 1,
};
/** Of so many answers one is that. */
const limitOf = 64;

/** What mail servers say instead of yes. */
const answers: readonly Said[] = [
  { where: 'smtp', answer: { at: 'greeting', text: '421 4.3.2 try again later' }, times: 3 },
  { where: 'smtp', answer: command(/^MAIL /i, '451 4.3.0 try again later'), times: 3 },
  { where: 'smtp', answer: command(/^RCPT /i, '452 4.2.2 mailbox full'), times: 2 },
  { where: 'smtp', answer: command(/^RCPT /i, '550 5.7.1 not from here'), times: 1 },
  { where: 'smtp', answer: command(/^MAIL /i, '421 4.7.0 too many connections'), times: 2 },
  { where: 'smtp', answer: command(/^AUTH /i, '454 4.7.0 temporary authentication failure'), times: 2 },
  { where: 'smtp', answer: command(/^AUTH /i, '535 5.7.8 authentication failed'), times: 1 },
  { where: 'smtp', answer: { at: 'mail', text: '451 4.3.0 something went wrong' }, times: 1 },
  { where: 'imap', answer: { at: 'once', text: '* BYE shutting down' }, times: 1 },
  { where: 'imap', answer: { at: 'greeting', text: '* BYE too many connections' }, times: 3 },
  { where: 'imap', answer: command(/^\S+ SELECT /i, '% NO [UNAVAILABLE] try again later'), times: 2 },
  { where: 'imap', answer: command(/^\S+ UID (FETCH|SEARCH) /i, '% NO [LIMIT] you are too fast'), times: 2 },
  { where: 'imap', answer: command(/^\S+ UID (STORE|EXPUNGE) /i, '% NO [INUSE] not now'), times: 1 },
  { where: 'imap', answer: command(/^\S+ (LOGIN|AUTHENTICATE) /i, '% NO [UNAVAILABLE] try again later'), times: 2 },
  { where: 'imap', answer: command(/^\S+ (LOGIN|AUTHENTICATE) /i, '% NO [AUTHENTICATIONFAILED] no'), times: 1 },
];

const sizes = [5, 20, 60, 180, 1600];

/**
 * Does one fault and takes it back when its time is over.
 *
 * @returns what was done, for the log of the run
 */
export const commit = async (fault: PlannedFault, deps: FaultDeps): Promise<string> => {
  const { actors, soak, readers, factor } = deps;
  const { kind, whom, how, howLong } = fault;
  const { servers, transit } = soak;
  const actor = at(actors, whom);
  if (actor === undefined) return 'nobody is there';
  const { place } = actor;
  const seconds = (from: number, to: number): number => (from + howLong * (to - from)) * 1000;
  switch (kind) {
    case 'kill': {
      const awayMs = seconds(0, 12);
      await actor.kill(awayMs);
      return `${actor.name}, away for ${(awayMs / 1000).toFixed(1)} s`;
    }
    case 'restart': {
      const server = how < 0.5 ? 'dovecot' : 'postfix';
      await servers.restart(server, seconds(0, 6));
      return server;
    }
    case 'cut':
      if (how < 0.7) place.imap.cut();
      if (how > 0.3) place.smtp.cut();
      return actor.name;
    case 'freeze': {
      const gates = how < 0.4 ? [place.imap] : how < 0.8 ? [place.smtp] : [place.imap, place.smtp];
      for (const gate of gates) gate.freeze();
      await sleep(seconds(3, 45));
      for (const gate of gates) {
        // Half of the links have died meanwhile, and only one side knows.
        if (how * 10 - Math.floor(how * 10) < 0.5) gate.cut();
        gate.thaw();
      }
      return actor.name;
    }
    case 'answers': {
      const said = how < 1 / limitOf ? limit : at(answers, how);
      if (said === undefined) return 'nothing';
      place[said.where].answer(said.answer, said.times);
      return `${actor.name}: ${said.answer.text}`;
    }
    case 'full': {
      const places = actors.filter((one) => one.place.server === 'dovecot').map((one) => one.place.account);
      const account = at([...places, ...readers.filter(({ imap }) => imap.port === places[0]?.imap.port)], whom);
      if (account === undefined) return 'nobody is there';
      servers.limit(account, 1);
      await sleep(seconds(5, 40));
      servers.limit(account, undefined);
      return account.address;
    }
    case 'disk': {
      const one = at(
        actors.filter(({ hasDisk }) => hasDisk),
        whom,
      );
      if (one === undefined) return 'nobody has a disk';
      one.fillDisk();
      await sleep(seconds(3, 30));
      one.freeDisk();
      return one.name;
    }
    case 'uidvalidity': {
      const one = at(
        actors.filter((other) => other.place.server === 'dovecot'),
        whom,
      );
      if (one === undefined) return 'nobody is there';
      servers.renumber(one.place.account);
      return one.name;
    }
    case 'clock': {
      const aheadMs = (at(sizes, howLong) ?? 5) * minuteMs * (how < 0.5 ? -1 : 1);
      actor.jump(aheadMs);
      await sleep(10_000 + (60 * minuteMs * how) / factor);
      actor.jump(0);
      return `${actor.name}, ${aheadMs / minuteMs} minutes`;
    }
    case 'duplicate':
    case 'delay':
    case 'junk':
    case 'rewrite':
      transit.begin(kind);
      await sleep(seconds(10, 40));
      transit.end(kind);
      return 'everybody';
  }
};

/** Kinds that this machine has no means for, and why. */
export const missingMeans = ({ actors }: FaultDeps): ReadonlyMap<FaultKind, string> =>
  new Map(actors.some(({ hasDisk }) => hasDisk) ? [] : [['disk', 'no small disk can be mounted here (needs root)']]);
