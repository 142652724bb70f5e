import type { MembershipStore } from '../ports/membership.js';
import type { Sql } from './sqlite.js';

/** What a node of a network that it has joined keeps beside the packets. */
export const membershipTables = `
  CREATE TABLE membership (
    id INTEGER PRIMARY KEY CHECK (id = 1), text TEXT, sent_at INTEGER, leaving_at INTEGER
  ) STRICT;
  INSERT INTO membership (id) VALUES (1);
  CREATE TABLE challenge (authority TEXT NOT NULL, answered_at INTEGER NOT NULL) STRICT;
`;

export const membershipStore = (sql: Sql): MembershipStore => {
  const row = () => sql.first('SELECT text, sent_at, leaving_at FROM membership');
  return {
    announced: () => {
      const text = row()?.optionalText('text');
      return text === undefined ? undefined : { text, sentAt: row()?.optionalNumber('sent_at') ?? 0 };
    },
    setAnnounced: ({ text, sentAt }) => {
      sql.run('UPDATE membership SET text = ?, sent_at = ?', text, Math.floor(sentAt));
    },
    leavingSince: () => row()?.optionalNumber('leaving_at'),
    setLeaving: (since) => {
      sql.run('UPDATE membership SET leaving_at = ?', since === undefined ? null : Math.floor(since));
    },
    countChallenge: (authority, now, then) => {
      sql.run('DELETE FROM challenge WHERE answered_at < ?', Math.floor(then));
      sql.run('INSERT INTO challenge (authority, answered_at) VALUES (?, ?)', authority, Math.floor(now));
      return sql.first('SELECT count(*) AS n FROM challenge WHERE authority = ?', authority)?.number('n') ?? 0;
    },
  };
};
