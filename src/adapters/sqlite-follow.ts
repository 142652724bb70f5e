import { mostConsensuses, mostEndorsements, mostForks, mostPastConsensuses } from '../base/bounds.js';
import type { AnswerStore, AskStore, ConsensusStore, EndorsementStore, FollowStore, Fork } from '../ports/follow.js';
import { Bug } from '../base/errors.js';
import type { Sql } from './sqlite.js';

/** Tables of every role that follows the lists of a network. */
export const followTables = `
  CREATE TABLE follow_consensus (
    digest TEXT PRIMARY KEY, number INTEGER NOT NULL, period_ms INTEGER NOT NULL, accepted_at INTEGER NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX follow_consensus_number ON follow_consensus (number);
  CREATE TABLE follow_past (number INTEGER PRIMARY KEY, digest TEXT NOT NULL) STRICT;
  CREATE TABLE follow_fork (
    number INTEGER NOT NULL, ours TEXT NOT NULL, other TEXT NOT NULL, authorities TEXT NOT NULL, evidence TEXT NOT NULL,
    seen_at INTEGER NOT NULL, PRIMARY KEY (number, other)
  ) STRICT;
  CREATE TABLE follow_endorsement (
    number INTEGER NOT NULL, authority TEXT NOT NULL, digest TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (number, authority, digest)
  ) STRICT;
  CREATE TABLE follow_plan (
    id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE follow_ask (
    id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE follow_answer (
    id INTEGER PRIMARY KEY, asker TEXT NOT NULL, at INTEGER NOT NULL, bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX follow_answer_asker ON follow_answer (asker, at);
  CREATE INDEX follow_answer_at ON follow_answer (at);
`;

const consensusStore = (sql: Sql): ConsensusStore => ({
  consensuses: () =>
    sql.all('SELECT digest, number, period_ms, accepted_at FROM follow_consensus ORDER BY number DESC').map((row) => ({
      number: row.number('number'),
      digest: row.text('digest'),
      periodMs: row.number('period_ms'),
      acceptedAt: row.number('accepted_at'),
    })),
  consensusText: (digest) => sql.first('SELECT text FROM follow_consensus WHERE digest = ?', digest)?.text('text'),
  keepConsensus: ({ digest, number, periodMs, acceptedAt, text, history }) => {
    sql.run(
      'INSERT OR REPLACE INTO follow_consensus (digest, number, period_ms, accepted_at, text) VALUES (?, ?, ?, ?, ?)',
      digest,
      number,
      periodMs,
      Math.floor(acceptedAt),
      text,
    );
    for (const past of [{ number, digest }, ...history])
      sql.run('INSERT OR IGNORE INTO follow_past (number, digest) VALUES (?, ?)', past.number, past.digest);
    // Those after it are from a time when the clock was ahead.
    const kept = `(SELECT number FROM follow_consensus WHERE number <= ? ORDER BY number DESC LIMIT ${mostConsensuses})`;
    sql.run(`DELETE FROM follow_consensus WHERE number <= ? AND number NOT IN ${kept}`, number, number);
    const last = `(SELECT number FROM follow_past ORDER BY number DESC LIMIT ${mostPastConsensuses})`;
    sql.run(`DELETE FROM follow_past WHERE number NOT IN ${last}`);
  },
  pastDigest: (number) => sql.first('SELECT digest FROM follow_past WHERE number = ?', number)?.text('digest'),
  forks: () =>
    sql.all('SELECT * FROM follow_fork ORDER BY number').map((row): Fork => ({
      number: row.number('number'),
      digests: [row.text('ours'), row.text('other')],
      authorities: row.text('authorities').split(' ').filter(Boolean),
      evidence: row.text('evidence'),
      seenAt: row.number('seen_at'),
    })),
  addFork: ({ number, digests: [ours, other], authorities, evidence, seenAt }) => {
    sql.run(
      `INSERT OR IGNORE INTO follow_fork (number, ours, other, authorities, evidence, seen_at)
       SELECT ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM follow_fork) < ${mostForks}`,
      number,
      ours,
      other,
      authorities.join(' '),
      evidence,
      Math.floor(seenAt),
    );
  },
  forgetForks: () => {
    const first = sql.first('SELECT min(number) AS first FROM follow_fork')?.optionalNumber('first');
    if (first === undefined) return 0;
    for (const table of ['follow_consensus', 'follow_past', 'follow_endorsement'])
      sql.run(`DELETE FROM ${table} WHERE number >= ?`, first);
    sql.run('DELETE FROM follow_plan');
    return sql.run('DELETE FROM follow_fork');
  },
});

const endorsementStore = (sql: Sql): EndorsementStore => ({
  keepEndorsement: ({ number, authority, digest, text }) =>
    sql.run(
      `INSERT OR IGNORE INTO follow_endorsement (number, authority, digest, text)
       SELECT ?, ?, ?, ?
       WHERE (SELECT count(*) FROM follow_endorsement WHERE number = ? AND authority = ?) < ${mostEndorsements}`,
      number,
      authority,
      digest,
      text,
      number,
      authority,
    ) === 1,
  endorsements: (number) =>
    sql
      .all('SELECT authority, digest, text FROM follow_endorsement WHERE number = ? ORDER BY authority, digest', number)
      .map((row) => ({
        number,
        authority: row.text('authority'),
        digest: row.text('digest'),
        text: row.text('text'),
      })),
  forgetEndorsements: (beforeNumber) => {
    sql.run('DELETE FROM follow_endorsement WHERE number < ?', beforeNumber);
  },
});

const kindOf = (text: string): 'ask' | 'compare' => {
  if (text !== 'ask' && text !== 'compare') throw new Bug('a plan asks or compares');
  return text;
};

/** An integer's room in the database, for a plan that has nothing to do any more. */
const never = Number.MAX_SAFE_INTEGER;

const askStore = (sql: Sql): AskStore => ({
  askPlan: () => {
    const row = sql.first('SELECT number, kind, at FROM follow_plan');
    return row && { number: row.number('number'), kind: kindOf(row.text('kind')), at: row.number('at') };
  },
  setAskPlan: ({ number, kind, at }) => {
    sql.run(
      'INSERT OR REPLACE INTO follow_plan (id, number, kind, at) VALUES (1, ?, ?, ?)',
      number,
      kind,
      Math.min(Math.ceil(at), never),
    );
  },
  addAsk: (number, source, at) => {
    sql.run('INSERT INTO follow_ask (number, source, at) VALUES (?, ?, ?)', number, source, Math.floor(at));
  },
  asks: (number) =>
    sql
      .all('SELECT source, at FROM follow_ask WHERE number = ? ORDER BY id', number)
      .map((row) => ({ source: row.text('source'), at: row.number('at') })),
  forgetAsks: (beforeNumber) => {
    sql.run('DELETE FROM follow_ask WHERE number < ?', beforeNumber);
  },
});

const answerStore = (sql: Sql): AnswerStore => ({
  countAnswer: (asker, at, bytes) => {
    sql.run('INSERT INTO follow_answer (asker, at, bytes) VALUES (?, ?, ?)', asker, Math.floor(at), bytes);
  },
  answersTo: (asker, since) =>
    sql
      .first('SELECT count(*) AS n FROM follow_answer WHERE asker = ? AND at >= ?', asker, Math.ceil(since))
      ?.number('n') ?? 0,
  answersSince: (since) => {
    const row = sql.first(
      'SELECT count(*) AS n, coalesce(sum(bytes), 0) AS bytes FROM follow_answer WHERE at >= ?',
      Math.ceil(since),
    );
    return { count: row?.number('n') ?? 0, bytes: row?.number('bytes') ?? 0 };
  },
  forgetAnswers: (before) => {
    sql.run('DELETE FROM follow_answer WHERE at < ?', Math.ceil(before));
  },
});

/** What following keeps, in the database of a role that has `followTables`. */
export const followStore = (sql: Sql): FollowStore => ({
  ...consensusStore(sql),
  ...endorsementStore(sql),
  ...askStore(sql),
  ...answerStore(sql),
});
