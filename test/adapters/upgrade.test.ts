import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authoritySchema, sqliteAuthorityStore } from '../../src/adapters/sqlite-authority.js';
import { clientSchema, sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { mixSchema, sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { openStore } from '../../src/adapters/sqlite.js';
import { latin1 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { makeBackup } from '../../src/compose-backup.js';
import { composeLeave } from '../../src/compose-joined.js';
import { forgetForks } from '../../src/compose-view.js';
import { loadConfig } from '../../src/config.js';
import { formatInvitation } from '../../src/council/invitation.js';
import { publicKeyOf } from '../../src/route/document.js';
import { handlings } from '../fakes/outbox.js';
import { fakeNetwork } from '../fakes/network.js';
import { quick } from '../node/packets.js';
import { postDue } from '../../src/post/post.js';

// In schemas/ lie databases as text. Each was filled by the code of its own time, and is never made anew.

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-upgrade-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const at = Date.UTC(2026, 0, 15, 12);
const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);
const id = (fill: number) => messageIdOf(bytes(16, fill));
const hex = (length: number, fill: number): string => Buffer.alloc(length, fill).toString('hex');

const schemas = { mix: mixSchema, client: clientSchema, authority: authoritySchema } as const;
type Role = keyof typeof schemas;

const textOf = (role: Role, version: number): string =>
  readFileSync(new URL(`schemas/${role}-${version}.sql`, import.meta.url), 'utf8');

/** A database of that version, in a file. */
const restored = (role: Role, version: number): string => {
  const file = path.join(folder, `${role}-${version}.db`);
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA synchronous=OFF; BEGIN; ${textOf(role, version)} COMMIT;`);
  db.close();
  return file;
};

const rows = (file: string, query: string): unknown[] => {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare(query).all();
  } finally {
    db.close();
  }
};

/** Everything there is, but the order of columns' spelling. */
const shapeOf = (file: string): unknown =>
  rows(
    file,
    `SELECT m.name AS thing, c.name AS part, c.type, c."notnull", c.dflt_value FROM sqlite_master m
     LEFT JOIN pragma_table_info(m.name) c WHERE m.name NOT LIKE 'sqlite_%' ORDER BY 1, c.cid`,
  );

const versionsOf = (role: Role): readonly number[] => schemas[role].map((_, i) => i + 1);
const all = (Object.keys(schemas) as Role[]).flatMap((role) =>
  versionsOf(role).map((version) => [role, version] as const),
);

const digests = {
  mix: ['a678050d9d02', 'e9eac4b6ca5a', 'a138d59a8b60', 'cae260e204ee'],
  client: ['2ab1b2aa4f5d', '9b585df8d07a', 'd9890b2d3818', 'da4c1a2f8767', '6580d56293b8', '8680ab1d7e82'],
  authority: ['ff3e1a20d361', '1f53db4e015c'],
};

describe('the steps of a database', () => {
  const digest = (step: string): string =>
    createHash('sha256').update(step.replaceAll(/\s+/g, ' ').trim()).digest('hex').slice(0, 12);

  // Whoever has to change one of these appends a step instead: a database that has made the old one never makes it again.
  it('are never changed, only added to', () => {
    expect(Object.fromEntries(Object.entries(schemas).map(([role, steps]) => [role, steps.map(digest)]))).toEqual(
      digests,
    );
  });

  it('have a database of each version to be tried with', () => {
    const names = readdirSync(new URL('schemas', import.meta.url)).toSorted();
    expect(names).toEqual(all.map(([role, version]) => `${role}-${version}.sql`).toSorted());
  });
});

describe.each(all)('a %s database of version %i', (role, version) => {
  const open = { mix: sqliteMixStore, client: sqliteClientStore, authority: sqliteAuthorityStore }[role];
  const steps = schemas[role];

  it('gets the form of a new one', () => {
    const file = restored(role, version);
    open(file).close();
    const fresh = path.join(folder, 'fresh.db');
    open(fresh).close();
    expect(shapeOf(file)).toEqual(shapeOf(fresh));
    expect(rows(file, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(rows(file, 'PRAGMA foreign_key_check')).toEqual([]);
  });

  it('has the rows that it had, whatever was added', () => {
    const file = restored(role, version);
    const tables = rows(file, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") as {
      readonly name: string;
    }[];
    // A client's first queue became its messages.
    const kept = tables.filter(({ name }) => name !== 'queue');
    const count = ({ name }: { readonly name: string }) => [name, rows(file, `SELECT count(*) AS n FROM ${name}`)];
    const before = kept.map(count);
    const queued = tables.length > kept.length ? rows(file, 'SELECT id FROM queue') : undefined;
    open(file).close();
    expect(kept.map(count)).toEqual(before);
    if (queued !== undefined) expect(rows(file, "SELECT id FROM message WHERE state = 'waiting'")).toEqual(queued);
  });

  it('is as it was when its upgrade fails at any step, and is upgraded at the next start', () => {
    const file = restored(role, version);
    const dump = (): unknown => [rows(file, 'PRAGMA user_version'), shapeOf(file)];
    const before = dump();
    for (let good = version; good < steps.length; good++) {
      // The disk fills up, or the power goes, behind that step.
      const broken = [...steps.slice(0, good), `${steps[good] ?? ''} INSERT INTO no_such_table VALUES (1);`];
      expect(() => openStore(file, broken)).toThrow(/could not be read or written/);
      expect(dump()).toEqual(before);
    }
    open(file).close();
    expect(rows(file, 'PRAGMA user_version')).toEqual([{ user_version: steps.length }]);
  });

  it('is refused, and left alone, by a program that is older', () => {
    const file = restored(role, version);
    const before = readFileSync(file);
    expect(() => openStore(file, steps.slice(0, version - 1))).toThrow(
      new RegExp(`was written by a newer MixMailer \\(version ${version}\\)`),
    );
    // Bytes 18 to 28 say how it was opened, and how often.
    expect(readFileSync(file).subarray(100)).toEqual(before.subarray(100));
    expect(rows(file, 'PRAGMA user_version')).toEqual([{ user_version: version }]);
  });
});

describe('a command beside a process, of a newer version', () => {
  /** A data folder with that database, whether a process of its version works on it or not. */
  const configured = (role: Role, version: number) => {
    const section = { mix: '[node]\nname = "mix1"', client: '[client]', authority: '[authority]' }[role];
    const authorities = [{ key: publicKeyOf(bytes(32, 3)), address: 'ann@council.test' }];
    const join = formatInvitation({ authorities, periodMs: undefined, urls: [] });
    const toml = path.join(folder, `${role}.toml`);
    writeFileSync(
      toml,
      `data = "data"
[mail]
address = "mix@mix1.test"
[mail.imap]
host = "imap.mix1.test"
passwordCommand = "echo secret"
[mail.smtp]
host = "smtp.mix1.test"
${role === 'authority' ? '' : `[network]\njoin = "${join}"\n`}${section}
`,
    );
    const config = loadConfig(toml);
    mkdirSync(config.data, { mode: 0o700 });
    for (const name of ['identity.key', 'authority.key'])
      writeFileSync(path.join(config.data, name), `${hex(32, 5)}\n`, { mode: 0o600 });
    const file = path.join(config.data, role === 'authority' ? 'authority.db' : 'mixmailer.db');
    renameSync(restored(role, version), file);
    return { config, file };
  };
  const older = all.filter(([role, version]) => version < schemas[role].length);
  const refused = /is of an older MixMailer: use that one, or start this one first/;

  it.each(older)('leaves a %s database of version %i to it', (role, version) => {
    const { config, file } = configured(role, version);
    const before = [rows(file, 'PRAGMA user_version'), shapeOf(file)];
    expect(() => makeBackup(config, at)).toThrow(refused);
    if (role === 'mix') expect(() => composeLeave(config)).toThrow(refused);
    if (role !== 'authority') expect(() => forgetForks(config)).toThrow(refused);
    expect([rows(file, 'PRAGMA user_version'), shapeOf(file)]).toEqual(before);
    expect(readdirSync(config.data).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it.each(Object.keys(schemas) as Role[])('works on a %s database of its own version', async (role) => {
    const { config } = configured(role, schemas[role].length);
    expect(makeBackup(config, at).length).toBeGreaterThan(1000);
    if (role === 'mix') await composeLeave(config).close();
    if (role !== 'authority') expect(forgetForks(config)).toBe(0);
  });
});

describe('what was there before an upgrade', () => {
  it.each(versionsOf('mix'))(
    'at a node of version %i is used: pool, tags, messages, mails on their way',
    async (version) => {
      const store = sqliteMixStore(restored('mix', version));
      expect(store.cursor('INBOX')).toEqual({ uidValidity: '7', uid: 41 });
      expect(store.addReplayTag(hex(16, 5), bytes(32, 1))).toBe(false);
      expect(store.addReplayTag(hex(16, 5), bytes(32, 9))).toBe(true);
      const pool = store.waiting(at + 3_600_000);
      expect(pool.map(({ to }) => to.kind).toSorted()).toEqual(
        version === 1 ? ['here', 'node'] : ['here', 'mailbox', 'node'],
      );
      for (const { id: place, to } of pool)
        if (to.kind === 'node') expect([to.nextHop, store.takeFromPool(place)]).toEqual([hex(32, 7), bytes(48, 8)]);
      expect(store.message(id(11))).toMatchObject({ count: 3, indexes: [1], closed: false });
      expect(store.fragments(id(11))).toEqual([{ index: 1, data: bytes(32, 13) }]);
      expect(store.message(id(12))).toMatchObject({ closed: true });
      if (version > 1) {
        expect(store.takeBlock(id(11), 'receipt')).toEqual(bytes(60, 14));
        expect(store.replyBlocks('token-of-done', at)).toHaveLength(2);
      }
      if (version > 2) {
        expect(store.consensuses().map(({ number }) => number)).toEqual([20467, 20466]);
        expect(store.announced()).toEqual({ text: 'a descriptor', sentAt: at - 1000 });
      }
      if (version > 3) expect(store.takeLoop(bytes(16, 18))).toBe(at - 720_000);
      // One whose attempt had begun when the process ended, and one that waited.
      // Ten minutes later, because the first version did not know which.
      store.resumeOutgoing(at);
      const sent: string[] = [];
      const log = { info: () => undefined, warn: () => undefined };
      await postDue(
        {
          ...{
            store,
            unstored: new Map(),
            budget: undefined,
            clock: { now: () => at + 600_000 },
            rng: seededRng(new Uint8Array(32)),
            log,
            from: 'node@mix1.test',
          },
          outbox: {
            send: (mail) => {
              sent.push(`${mail.to} ${latin1(mail.raw).endsWith('\r\nold\r\n') ? 'whole' : 'damaged'}`);
              return Promise.resolve(handlings.accepted.outcome);
            },
            close: () => Promise.resolve(),
          },
        },
        new AbortController().signal,
      );
      expect(sent.toSorted()).toEqual(['bob@friend.test whole', 'node@mix2.test whole']);
      expect(store.outgoingCount()).toBe(0);
      store.close();
    },
  );

  it.each(versionsOf('client'))('at a client of version %i is sent: a mail that waited arrives', async (version) => {
    const file = restored('client', version);
    const network = fakeNetwork({ ...quick, client: { file } });
    const { client, nodes, world } = network;
    const bob = world.account('bob@friend.test');
    for (const address of ['carol@friend.test', 'node@mix2.test']) world.account(address);
    expect(client.store.messageStatus(id(1))).toMatchObject({ state: 'waiting', recipient: 'bob@friend.test' });
    for (let turns = 0; turns < 12 && bob.mailbox.raws().length === 0; turns++) {
      await client.turn();
      for (const node of nodes) await node.turn();
      network.passMs(720_000);
    }
    expect(latin1(bob.mailbox.raws()[0] ?? bytes(0, 0))).toContain('BEGIN PGP MESSAGE');
    if (version > 2) {
      expect(client.store.messageStatus(id(2))).toMatchObject({ recipient: 'carol@friend.test', state: 'in-network' });
      expect(client.store.messageStatus(id(3))).toMatchObject({
        state: 'failed',
        ending: { kind: 'refused', code: 550 },
      });
      expect(client.store.surb(bytes(16, 4))?.purpose).toBe('reply');
      expect(client.store.pieces(id(2), bytes(16, 6))).toEqual([{ index: 0, data: bytes(20, 7) }]);
      // The notice that was not told yet.
      expect(client.account.mailbox.raws().map(latin1)).toContainEqual(expect.stringContaining('not delivered'));
    }
    client.store.forgetFingerprints(Infinity);
  });

  it.each(versionsOf('authority'))(
    'at an authority of version %i holds: nodes, probes, and what it has signed',
    (version) => {
      const store = sqliteAuthorityStore(restored('authority', version));
      expect(store.members().map(({ name }) => name)).toEqual(['mix40']);
      expect(store.candidateOfNonce(hex(32, 9))?.name).toBe('mix30');
      expect(store.waitingCandidates().map(({ name }) => name)).toEqual(['mix20']);
      expect(store.probeResults(0)).toMatchObject([{ hops: 2, sentAt: at - 3_500_000, homeAt: undefined }]);
      expect(store.voteSecret(20468)).toBe(hex(32, 5));
      expect(store.signedBody(20468)).toBe('the body that was signed');
      expect(store.contradictions()).toHaveLength(1);
      expect(store.isDone(20468, 'voted')).toBe(true);
      const again = {
        kind: 'vote',
        authority: hex(32, 6),
        number: 20468,
        digest: hex(32, 1),
        text: 'another',
      } as const;
      expect(() => store.addCouncilDocument(again)).toThrow(/already/);
      expect(store.outgoingCount()).toBe(1);
      store.close();
    },
  );
});
