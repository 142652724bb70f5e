import { fromHex } from '../base/bytes.js';
import { Bug, StoreError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type {
  Applicant,
  AuthorityStore,
  Candidate,
  CandidateStore,
  CouncilDocument,
  CouncilKind,
  Member,
  MemberStore,
  ProbeStore,
  RoundStore,
} from '../ports/authority.js';
import { followStore, followTables } from './sqlite-follow.js';
import { openStore, type Row, type Sql } from './sqlite.js';
import type { Opening } from './sqlite.js';
import {
  clockStore,
  cursorStore,
  noteStore,
  outgoingStore,
  sharedTables,
  sharedTables2,
  sharedTables3,
} from './sqlite-tables.js';

/** Tables of what an authority knows of nodes and of the others. */
export const councilTables = `
  CREATE TABLE candidate (
    node_id TEXT PRIMARY KEY, text TEXT NOT NULL, digest TEXT NOT NULL, name TEXT NOT NULL, address TEXT NOT NULL,
    site TEXT NOT NULL, published_at INTEGER NOT NULL, came_at INTEGER NOT NULL, nonce TEXT UNIQUE, operator TEXT,
    challenged_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX candidate_site ON candidate (site);
  CREATE INDEX candidate_waiting ON candidate (node_id) WHERE nonce IS NULL;
  CREATE INDEX candidate_challenged ON candidate (challenged_at) WHERE nonce IS NOT NULL;
  CREATE INDEX candidate_came ON candidate (came_at);
  CREATE TABLE challenge (operator TEXT NOT NULL, site TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE INDEX challenge_at ON challenge (at);
  CREATE TABLE member (
    node_id TEXT PRIMARY KEY, text TEXT NOT NULL, digest TEXT NOT NULL, name TEXT NOT NULL, address TEXT NOT NULL,
    site TEXT NOT NULL, published_at INTEGER NOT NULL, operator TEXT NOT NULL, proven_at INTEGER NOT NULL,
    leaving_at INTEGER, next_probe_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX member_probe ON member (next_probe_at);
  CREATE INDEX member_name ON member (name);
  CREATE INDEX member_address ON member (address);
  CREATE TABLE probe (
    id BLOB PRIMARY KEY, opener BLOB, subject TEXT NOT NULL, hops INTEGER NOT NULL, mail BLOB NOT NULL,
    made_at INTEGER NOT NULL, sent_at INTEGER, home_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX probe_made ON probe (made_at);
  CREATE INDEX probe_mail ON probe (mail) WHERE sent_at IS NULL;
  CREATE TABLE vote_secret (number INTEGER PRIMARY KEY, secret TEXT NOT NULL) STRICT;
  CREATE TABLE council (
    number INTEGER NOT NULL, kind TEXT NOT NULL, authority TEXT NOT NULL, digest TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (number, kind, authority)
  ) STRICT;
  CREATE TABLE signed_body (number INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE contradiction (
    authority TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, one TEXT NOT NULL, other TEXT NOT NULL,
    PRIMARY KEY (authority, number, kind)
  ) STRICT;
  CREATE TABLE done (number INTEGER NOT NULL, step TEXT NOT NULL, PRIMARY KEY (number, step)) STRICT, WITHOUT ROWID;
  CREATE TABLE wanted (digest TEXT PRIMARY KEY, number INTEGER NOT NULL, text TEXT) STRICT, WITHOUT ROWID;
  CREATE INDEX wanted_number ON wanted (number);
`;

const applicantOf = (row: Row): Applicant => ({
  nodeId: row.text('node_id') as NodeId,
  text: row.text('text'),
  digest: row.text('digest'),
  name: row.text('name'),
  address: row.text('address'),
  site: row.text('site'),
  publishedAt: row.number('published_at'),
});

const candidateOf = (row: Row): Candidate => ({
  ...applicantOf(row),
  cameAt: row.number('came_at'),
  nonce: row.optionalText('nonce'),
  operator: row.optionalText('operator'),
  challengedAt: row.optionalNumber('challenged_at'),
});

const memberOf = (row: Row): Member => ({
  ...applicantOf(row),
  operator: row.text('operator'),
  provenAt: row.number('proven_at'),
  leavingAt: row.optionalNumber('leaving_at'),
  nextProbeAt: row.number('next_probe_at'),
});

const count = (row: Row | undefined): number => row?.number('n') ?? 0;

export const candidateStore = (sql: Sql): CandidateStore => ({
  candidate: (nodeId) => {
    const row = sql.first('SELECT * FROM candidate WHERE node_id = ?', nodeId);
    return row && candidateOf(row);
  },
  candidateOfNonce: (nonce) => {
    const row = sql.first('SELECT * FROM candidate WHERE nonce = ?', nonce);
    return row && candidateOf(row);
  },
  waitingCandidates: () =>
    sql.all('SELECT * FROM candidate WHERE nonce IS NULL ORDER BY came_at, node_id').map(candidateOf),
  candidateCount: () => count(sql.first('SELECT count(*) AS n FROM candidate')),
  candidateCountAt: (site) => count(sql.first('SELECT count(*) AS n FROM candidate WHERE site = ?', site)),
  crowdedCandidate: () => {
    const row = sql.first(
      `SELECT * FROM candidate WHERE nonce IS NULL AND site = (
         SELECT site FROM candidate WHERE nonce IS NULL GROUP BY site ORDER BY count(*) DESC, site LIMIT 1)
       ORDER BY came_at DESC, node_id LIMIT 1`,
    );
    return row && candidateOf(row);
  },
  silentCandidate: (then) => {
    const row = sql.first(
      'SELECT * FROM candidate WHERE nonce IS NOT NULL AND challenged_at < ? ORDER BY challenged_at, node_id LIMIT 1',
      Math.floor(then),
    );
    return row && candidateOf(row);
  },
  waitingCount: () => count(sql.first('SELECT count(*) AS n FROM candidate WHERE nonce IS NULL')),
  waitingCandidateAt: (place) => {
    const row = sql.first(
      `SELECT * FROM candidate WHERE node_id = (
         SELECT node_id FROM candidate WHERE nonce IS NULL ORDER BY node_id LIMIT 1 OFFSET ?)`,
      place,
    );
    return row && candidateOf(row);
  },
  putCandidate: (one) => {
    sql.run(
      `INSERT OR REPLACE INTO candidate (node_id, text, digest, name, address, site, published_at, came_at, nonce,
         operator, challenged_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      one.nodeId,
      one.text,
      one.digest,
      one.name,
      one.address,
      one.site,
      one.publishedAt,
      Math.floor(one.cameAt),
      one.nonce ?? null,
      one.operator ?? null,
      one.challengedAt === undefined ? null : Math.floor(one.challengedAt),
    );
  },
  removeCandidate: (nodeId) => {
    sql.run('DELETE FROM candidate WHERE node_id = ?', nodeId);
  },
  forgetCandidates: (then) => {
    sql.run('DELETE FROM candidate WHERE came_at < ?', Math.floor(then));
  },
  addChallenge: ({ operator, site, at }) => {
    sql.run('INSERT INTO challenge (operator, site, at) VALUES (?, ?, ?)', operator, site, Math.floor(at));
  },
  challengesSince: (then) =>
    sql
      .all('SELECT operator, site, at FROM challenge WHERE at >= ? ORDER BY at', Math.ceil(then))
      .map((row) => ({ operator: row.text('operator'), site: row.text('site'), at: row.number('at') })),
  forgetChallenges: (then) => {
    sql.run('DELETE FROM challenge WHERE at < ?', Math.floor(then));
  },
});

export const memberStore = (sql: Sql): MemberStore => ({
  member: (nodeId) => {
    const row = sql.first('SELECT * FROM member WHERE node_id = ?', nodeId);
    return row && memberOf(row);
  },
  members: () => sql.all('SELECT * FROM member ORDER BY node_id').map(memberOf),
  membersToProbe: (now) =>
    sql.all('SELECT * FROM member WHERE next_probe_at <= ? ORDER BY node_id', Math.floor(now)).map(memberOf),
  memberNamed: ({ nodeId, name, address }) => {
    const row = sql.first(
      'SELECT * FROM member WHERE (name = ? OR address = ?) AND node_id <> ?',
      name,
      address,
      nodeId,
    );
    return row && memberOf(row);
  },
  putMember: (one) => {
    sql.run(
      `INSERT OR REPLACE INTO member (node_id, text, digest, name, address, site, published_at, operator, proven_at,
         leaving_at, next_probe_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      one.nodeId,
      one.text,
      one.digest,
      one.name,
      one.address,
      one.site,
      one.publishedAt,
      one.operator,
      Math.floor(one.provenAt),
      one.leavingAt === undefined ? null : Math.floor(one.leavingAt),
      Math.ceil(one.nextProbeAt),
    );
  },
  removeMember: (nodeId) => {
    sql.run('DELETE FROM member WHERE node_id = ?', nodeId);
  },
  setNextProbe: (nodeId, at) => {
    sql.run('UPDATE member SET next_probe_at = ? WHERE node_id = ?', Math.ceil(at), nodeId);
  },
});

export const probeStore = (sql: Sql): ProbeStore => ({
  addProbe: ({ id, opener, subject, hops, mail }, now) => {
    sql.run(
      'INSERT INTO probe (id, opener, subject, hops, mail, made_at) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      opener,
      subject,
      hops,
      mail,
      Math.floor(now),
    );
  },
  probe: (id) => {
    const row = sql.first('SELECT opener FROM probe WHERE id = ? AND opener IS NOT NULL', id);
    return row && { id, opener: row.bytes('opener') };
  },
  probesSent: (mail, now) => {
    sql.run('UPDATE probe SET sent_at = ? WHERE mail = ? AND sent_at IS NULL', Math.floor(now), mail);
  },
  probeHome: (id, now) => {
    // One that is home has left, whatever its server said.
    sql.run(
      'UPDATE probe SET home_at = ?, sent_at = coalesce(sent_at, made_at), opener = NULL WHERE id = ?',
      Math.floor(now),
      id,
    );
  },
  probeResults: (then) =>
    sql
      .all('SELECT subject, hops, sent_at, home_at FROM probe WHERE made_at >= ? ORDER BY made_at, id', Math.ceil(then))
      .map((row) => ({
        subject: row.text('subject') as NodeId,
        hops: row.number('hops'),
        sentAt: row.optionalNumber('sent_at'),
        homeAt: row.optionalNumber('home_at'),
      })),
  forgetProbesOf: (subject) => {
    sql.run('DELETE FROM probe WHERE subject = ?', subject);
  },
  forgetProbes: (then) => {
    sql.run('DELETE FROM probe WHERE made_at < ?', Math.floor(then));
  },
});

const documentOf = (row: Row): CouncilDocument => ({
  kind: row.text('kind') as CouncilKind,
  authority: row.text('authority'),
  number: row.number('number'),
  digest: row.text('digest'),
  text: row.text('text'),
});

export const roundStore = (sql: Sql): RoundStore => ({
  voteSecret: (number) => sql.first('SELECT secret FROM vote_secret WHERE number = ?', number)?.text('secret'),
  keepVoteSecret: (number, secret) => {
    if (fromHex(secret)?.length !== 32) throw new Bug('the secret of a vote is 32 bytes');
    sql.run('INSERT INTO vote_secret (number, secret) VALUES (?, ?)', number, secret);
  },
  councilDocuments: (number, kind) =>
    sql.all('SELECT * FROM council WHERE number = ? AND kind = ? ORDER BY authority', number, kind).map(documentOf),
  councilDocument: (number, kind, authority) => {
    const row = sql.first(
      'SELECT * FROM council WHERE number = ? AND kind = ? AND authority = ?',
      number,
      kind,
      authority,
    );
    return row && documentOf(row);
  },
  addCouncilDocument: ({ number, kind, authority, digest, text }) => {
    const added = sql.run(
      'INSERT OR IGNORE INTO council (number, kind, authority, digest, text) VALUES (?, ?, ?, ?, ?)',
      number,
      kind,
      authority,
      digest,
      text,
    );
    if (added === 0)
      throw new StoreError('store/write', `there is a ${kind} of that authority for that number already`);
  },
  signedBody: (number) => sql.first('SELECT body FROM signed_body WHERE number = ?', number)?.text('body'),
  keepSignedBody: (number, body) => {
    sql.run('INSERT INTO signed_body (number, body) VALUES (?, ?)', number, body);
  },
  contradictions: () =>
    sql.all('SELECT * FROM contradiction ORDER BY number, authority, kind').map((row) => ({
      authority: row.text('authority'),
      number: row.number('number'),
      kind: row.text('kind') as CouncilKind,
      texts: [row.text('one'), row.text('other')],
    })),
  addContradiction: ({ authority, number, kind, texts }) => {
    sql.run(
      'INSERT OR IGNORE INTO contradiction (authority, number, kind, one, other) VALUES (?, ?, ?, ?, ?)',
      authority,
      number,
      kind,
      ...texts,
    );
  },
  forgetContradictions: () => sql.run('DELETE FROM contradiction'),
  isDone: (number, step) => sql.first('SELECT 1 FROM done WHERE number = ? AND step = ?', number, step) !== undefined,
  setDone: (number, step) => {
    sql.run('INSERT OR IGNORE INTO done (number, step) VALUES (?, ?)', number, step);
  },
  wantDescriptor: (digest, number) => {
    sql.run(
      `INSERT INTO wanted (digest, number) VALUES (?, ?)
       ON CONFLICT (digest) DO UPDATE SET number = max(number, excluded.number)`,
      digest,
      number,
    );
  },
  keepWantedDescriptor: (digest, text) => sql.run('UPDATE wanted SET text = ? WHERE digest = ?', text, digest) > 0,
  wantedDescriptor: (digest) => sql.first('SELECT text FROM wanted WHERE digest = ?', digest)?.optionalText('text'),
  forgetRounds: (number, own) => {
    // That something was signed stays known: a clock set back must not make a second one.
    sql.run('DELETE FROM council WHERE number < ? AND authority <> ?', number, own);
    sql.run("UPDATE council SET text = '' WHERE number < ? AND text <> ''", number);
    for (const table of ['vote_secret', 'signed_body', 'done', 'wanted'])
      sql.run(`DELETE FROM ${table} WHERE number < ?`, number);
  },
});

/** The steps from an empty file to this version. */
export const authoritySchema: readonly string[] = [
  `${sharedTables}${sharedTables2}${followTables}${councilTables}`,
  sharedTables3,
];

/**
 * An authority's store in one SQLite file.
 *
 * @throws StoreError 'store/open', 'store/version'
 */
export const sqliteAuthorityStore = (
  file: string,
  how: Opening = 'own',
): AuthorityStore & { readonly close: () => void } => {
  const { sql, atomically, scrub, close } = openStore(file, authoritySchema, how);
  return {
    atomically,
    scrub,
    close,
    ...cursorStore(sql),
    ...outgoingStore(sql),
    ...candidateStore(sql),
    ...memberStore(sql),
    ...probeStore(sql),
    ...roundStore(sql),
    ...followStore(sql),
    ...noteStore(sql),
    // How long a challenge is unanswered decides when the next one is made.
    ...clockStore(sql, ['member.next_probe_at', 'candidate.challenged_at']),
  };
};
