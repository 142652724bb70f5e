import { afterEach, describe, expect, it } from 'vitest';
import { imapInbox, probeImap, type ImapAccount } from '../../src/adapters/imap-inbox.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { latin1 } from '../../src/base/bytes.js';
import { seededRng } from '../../src/base/random.js';
import { minuteMs } from '../../src/base/units.js';
import { composeCarrierMail } from '../../src/carrier/carrier.js';
import { composeDirectoryMail } from '../../src/carrier/directory-mail.js';
import { Reading } from '../../src/post/aside.js';
import { purgeSent } from '../../src/post/purge.js';
import { geometry } from '../../src/sphinx/geometry.js';
import type { Inbox, InboxMail } from '../../src/ports/mail.js';
import { bulk, mailNamed } from '../../src/testing/inbox.js';
import { silentLog, withClient } from '../contracts/server-rigs.js';
import { followWorld } from '../follow/follower.js';
import { endorsementOf, listOf, today } from '../follow/lists.js';
import { now } from '../route/nodes.js';
import { dovecotPostfix, startDovecotPostfix } from '../servers/dovecot-postfix.js';
import { startInProcess } from '../servers/in-process.js';
import { startLink } from '../servers/link.js';
import { startScriptedImap, type ScriptedImap } from '../servers/scripted-imap.js';

const never = new AbortController().signal;

/** What a test started, ended behind it in reverse order. */
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const opened = (account: ImapAccount): Inbox => {
  const inbox = imapInbox(account, silentLog);
  ends.push(() => inbox.close());
  return inbox;
};

const scripted = async (capabilities: string): Promise<{ server: ScriptedImap; account: ImapAccount }> => {
  const server = await startScriptedImap(capabilities);
  ends.push(() => server.stop());
  const account: ImapAccount = {
    host: '127.0.0.1',
    port: server.port,
    security: 'none',
    user: 'a@mix.test',
    credential: () => Promise.resolve({ password: 'secret' }),
    deadlineMs: 2000,
  };
  return { server, account };
};

/** Does it until it goes well. @returns how often it did not, and what it gave then */
const insist = async <T>(work: () => Promise<T>): Promise<{ readonly failures: number; readonly given: T }> => {
  for (let failures = 0; ; failures++) {
    const given = await work().catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'mail/closed' });
      return undefined;
    });
    if (given !== undefined) return { failures, given };
    expect(failures).toBeLessThan(8);
  }
};

describe('inbox, when the server is odd', () => {
  it.each(['SELECT', 'UID SEARCH'])('takes a NO to %s for a failure', async (command) => {
    const { server, account } = await scripted('UIDPLUS');
    server.on(command, { status: 'NO' });
    await expect(opened(account).fetch('INBOX', undefined, never)).rejects.toMatchObject({ code: 'mail/protocol' });
  });

  it.each(['SELECT', 'UID STORE', 'UID EXPUNGE'])('does not take a NO to %s for a removal', async (command) => {
    const { server, account } = await scripted('UIDPLUS');
    server.on(command, { status: 'NO' });
    await expect(opened(account).remove('INBOX', '7', [1], never)).rejects.toMatchObject({ code: 'mail/protocol' });
  });

  it('names the mails it removes in the command, in ranges', async () => {
    const { server, account } = await scripted('UIDPLUS');
    await opened(account).remove('INBOX', '7', [9, 4, 5, 6, 4], never);
    expect(server.commands).toContain('UID EXPUNGE 4:6,9');
    expect(server.commands).not.toContain('EXPUNGE');
  });

  it('removes nothing where the server can expunge only everything', async () => {
    const { server, account } = await scripted('IDLE');
    await expect(opened(account).remove('INBOX', '7', [1], never)).rejects.toMatchObject({ code: 'mail/protocol' });
    expect(server.commands.some((command) => /STORE|EXPUNGE/.test(command))).toBe(false);
  });

  const refused = (uid: number) => ({ uid, raw: undefined, isRefused: true });
  const row = (uid: number): string => `* ${uid} FETCH (UID ${uid} RFC822.SIZE 10 BODY[] {1}\r\nx)`;
  const given = (uid: number) => ({ uid, raw: new Uint8Array([120]) });

  it.each(['NO', 'BAD'] as const)(
    'names the mails of which the server says %s, and gives the others',
    async (status) => {
      const { server, account } = await scripted('UIDPLUS');
      const all = [1, 2, 3, 4, 5];
      server.on('UID SEARCH', (line) => ({ untagged: [`* SEARCH ${/1:\*/.test(line) ? all.join(' ') : '2'}`] }));
      server.on('SELECT', { untagged: ['* 5 EXISTS', '* OK [UIDVALIDITY 7] ok', '* OK [UIDNEXT 6] ok'] });
      server.on('UID FETCH', (line) => {
        const [, asked = ''] = /UID FETCH (\S+)/.exec(line) ?? [];
        const uids = asked.split(',').flatMap((range) => {
          const [from = 0, to = from] = range.split(':').map(Number);
          return all.filter((uid) => uid >= from && uid <= to);
        });
        return uids.includes(2) ? { status } : { untagged: uids.map(row) };
      });
      const inbox = opened(account);
      const { mails, uidValidity, more } = await inbox.fetch('INBOX', undefined, never);
      expect(mails).toEqual([given(1), refused(2), given(3), given(4), given(5)]);
      expect(more).toBe(false);
      const looked = await inbox.look('INBOX', undefined, never);
      expect(looked.mails.map(({ uid, sizeBytes, isRefused }) => [uid, sizeBytes, isRefused])).toEqual([
        [1, 10, undefined],
        [2, 0, true],
        [3, 10, undefined],
        [4, 10, undefined],
        [5, 10, undefined],
      ]);
      expect(await inbox.fetchThose('INBOX', uidValidity, looked.mails.toReversed(), never)).toEqual(
        mails.toReversed(),
      );
    },
  );

  it('names all mails when the server says NO to each', async () => {
    const { server, account } = await scripted('UIDPLUS');
    server.on('UID FETCH', { status: 'NO' });
    const { mails } = await opened(account).fetch('INBOX', undefined, never);
    expect(mails).toEqual([refused(1), refused(2)]);
  });

  it('names a mail whose content the server keeps back', async () => {
    const { server, account } = await scripted('UIDPLUS');
    server.on('UID FETCH', { untagged: ['* 1 FETCH (UID 1 RFC822.SIZE 10)', row(2)] });
    const { mails } = await opened(account).fetch('INBOX', undefined, never);
    expect(mails).toEqual([refused(1), given(2)]);
  });

  it('does not look past a mail of which the server tells nothing', async () => {
    const { server, account } = await scripted('UIDPLUS');
    server.on('UID FETCH', { untagged: ['* 2 FETCH (UID 2 RFC822.SIZE 10)'] });
    server.on('UID SEARCH', (line) => ({ untagged: [`* SEARCH ${/1:\*/.test(line) ? '1 2' : '1'}`] }));
    const { mails } = await opened(account).look('INBOX', undefined, never);
    expect(mails.map(({ uid, isRefused }) => [uid, isRefused])).toEqual([
      [1, true],
      [2, undefined],
    ]);
    // Asked for once more alone, before it is given up.
    expect(server.commands.filter((command) => command.startsWith('UID'))).toEqual([
      'UID SEARCH UID 1:*',
      'UID FETCH 1:2 (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (From Subject Auto-Submitted)])',
      'UID SEARCH UID 1',
      'UID FETCH 1 (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (From Subject Auto-Submitted)])',
    ]);
  });

  const all = Array.from({ length: 40 }, (_, i) => i + 1);
  const uidsIn = (line: string): readonly number[] => {
    const [, asked = ''] = /UID FETCH (\S+)/.exec(line) ?? [];
    return asked.split(',').flatMap((range) => {
      const [from = 0, to = from] = range.split(':').map(Number);
      return all.filter((uid) => uid >= from && uid <= to);
    });
  };
  /** Forty mails, and what hangs up when that one is asked for. */
  const hangingUp = async (isBad: (uid: number, line: string) => boolean, showsOthers = false) => {
    const { server, account } = await scripted('UIDPLUS');
    server.on('UID SEARCH', (line) => {
      const [, uids = ''] = /UID ([\d,]+)$/.exec(line) ?? [];
      return { untagged: [`* SEARCH ${/1:\*/.test(line) ? all.join(' ') : uids.replaceAll(',', ' ')}`] };
    });
    server.on('SELECT', { untagged: ['* 40 EXISTS', '* OK [UIDVALIDITY 7] ok', '* OK [UIDNEXT 41] ok'] });
    server.on('UID FETCH', (line) => {
      const uids = uidsIn(line);
      const bad = uids.findIndex((uid) => isBad(uid, line));
      if (bad === -1) return { untagged: uids.map(row) };
      return { status: 'drop', untagged: showsOthers ? uids.slice(0, bad).map(row) : [] };
    });
    return { server, inbox: opened(account) };
  };
  it.each([false, true])('finds the mail at which the server hangs up, and gives the others', async (showsOthers) => {
    let isMended = false;
    const isBad = (uid: number, line: string): boolean => !isMended && uid === 27 && line.includes('BODY.PEEK[]');
    const { server, inbox } = await hangingUp(isBad, showsOthers);
    const fetched = await insist(() => inbox.fetch('INBOX', undefined, never));
    expect(fetched.given.mails).toEqual(all.map((uid) => (uid === 27 ? refused(27) : given(uid))));
    expect(fetched.failures).toBe(showsOthers ? 2 : 3);
    expect(server.commands.filter((command) => /FETCH 27 .*BODY/.test(command))).toHaveLength(1);
    const { mails } = await inbox.look('INBOX', undefined, never);
    expect(mails).toHaveLength(40);
    const again = await insist(() => inbox.fetchThose('INBOX', '7', mails, never));
    expect(again.failures).toBe(1);
    expect(again.given).toEqual(fetched.given.mails);
    isMended = true;
    expect(await inbox.fetchThose('INBOX', '7', mails, never)).toEqual(all.map(given));
  });

  it('finds those at which the server hangs up before it tells anything of them', async () => {
    const { inbox } = await hangingUp((uid) => uid === 3 || uid === 40);
    const looked = await insist(() => inbox.look('INBOX', undefined, never));
    expect(looked.given.mails.filter(({ isRefused }) => isRefused).map(({ uid }) => uid)).toEqual([3, 40]);
    expect(looked.given.mails).toHaveLength(40);
    const fetched = await insist(() => inbox.fetch('INBOX', undefined, never));
    expect(fetched.given.mails).toEqual(all.map((uid) => (uid === 3 || uid === 40 ? refused(uid) : given(uid))));
  });

  it('refuses no mail for a link that was lost by chance', async () => {
    let isAway = true;
    const { inbox } = await hangingUp(() => isAway);
    for (let time = 0; time < 3; time++) {
      isAway = true;
      await expect(inbox.fetch('INBOX', undefined, never)).rejects.toMatchObject({ code: 'mail/closed' });
      isAway = false;
      expect((await inbox.fetch('INBOX', undefined, never)).mails).toEqual(all.map(given));
    }
  });

  it('suspects no mail when nothing comes in time', async () => {
    const { server, account } = await scripted('UIDPLUS');
    const inbox = opened({ ...account, deadlineMs: 200 });
    server.on('UID FETCH', { status: 'silent' });
    for (let time = 0; time < 3; time++)
      await expect(inbox.fetch('INBOX', undefined, never)).rejects.toMatchObject({ code: 'mail/timeout' });
    server.on('UID FETCH', { untagged: [row(1), row(2)] });
    expect((await inbox.fetch('INBOX', undefined, never)).mails).toEqual([given(1), given(2)]);
    expect(server.commands.at(-1)).toMatch(/^UID FETCH 1:2 /);
  });

  it('begins again where numbers do under the same UIDVALIDITY, and removes nothing by the old ones', async () => {
    const { server, account } = await scripted('UIDPLUS');
    const holds = (...uids: readonly number[]): void => {
      server.on('SELECT', {
        untagged: [`* ${uids.length} EXISTS`, '* OK [UIDVALIDITY 7] ok', `* OK [UIDNEXT ${Math.max(...uids) + 1}] ok`],
      });
      server.on('UID SEARCH', (line) => {
        const from = Number(/UID (\d+):\*/.exec(line)?.[1]);
        return { untagged: [`* SEARCH ${uids.filter((uid) => uid >= from).join(' ')}`] };
      });
      server.on('UID FETCH', (line) => ({
        untagged: uids.filter((uid) => /FETCH (\S+)/.exec(line)?.[1]?.includes(`${uid}`)).map(row),
      }));
    };
    holds(8, 9);
    const inbox = opened(account);
    const before = await inbox.fetch('INBOX', undefined, never);
    expect(before.mails).toEqual([given(8), given(9)]);
    const reached = { uidValidity: before.uidValidity, uid: 9 };
    expect((await inbox.fetch('INBOX', reached, never)).mails).toEqual([]);

    holds(1, 2);
    const looked = await inbox.look('INBOX', reached, never);
    expect(looked.mails.map(({ uid }) => uid)).toEqual([1, 2]);
    expect(looked.uidValidity).not.toBe(before.uidValidity);
    expect((await inbox.fetch('INBOX', reached, never)).mails).toEqual([given(1), given(2)]);
    expect(await inbox.fetchThose('INBOX', before.uidValidity, looked.mails, never)).toEqual([]);
    await inbox.remove('INBOX', before.uidValidity, [1], never);
    expect(server.commands.some((command) => /STORE|EXPUNGE/.test(command))).toBe(false);
    expect(await inbox.fetchThose('INBOX', looked.uidValidity, looked.mails, never)).toEqual([given(1), given(2)]);
    await inbox.remove('INBOX', looked.uidValidity, [1], never);
    expect(server.commands).toContain('UID EXPUNGE 1');

    // A process that starts now has the cursor of the one before.
    const next = opened(account);
    expect((await next.fetch('INBOX', reached, never)).mails).toEqual([given(1), given(2)]);
    const read = { uidValidity: looked.uidValidity, uid: 2 };
    expect((await opened(account).fetch('INBOX', read, never)).mails).toEqual([]);
  });

  it('asks for the subject together with the size, and only when the filter does', async () => {
    const { server, account } = await scripted('UIDPLUS');
    const row = (uid: number): string =>
      `* ${uid} FETCH (UID ${uid} RFC822.SIZE 10 BODY[HEADER.FIELDS (SUBJECT)] "Subject: letter\\n")`;
    server.on('UID FETCH', { untagged: [row(1), row(2)] });
    const inbox = opened(account);
    const { mails } = await inbox.fetch('INBOX', undefined, never, { subject: 'packets' });
    expect(mails).toEqual([1, 2].map((uid) => ({ uid, raw: undefined })));
    await inbox.fetch('INBOX', undefined, never, { smallestBytes: 11 });
    expect(server.commands.filter((command) => /FETCH|SEARCH/.test(command))).toEqual([
      'UID SEARCH UID 1:*',
      'UID FETCH 1:2 (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (Subject)])',
      'UID SEARCH UID 1:*',
      'UID FETCH 1:2 (UID RFC822.SIZE)',
    ]);
  });

  it('does not pass over a mail whose header the server keeps back', async () => {
    const { server, account } = await scripted('UIDPLUS');
    server.on('UID FETCH', { untagged: ['* 1 FETCH (UID 1 RFC822.SIZE 10)', '* 2 FETCH (UID 2 RFC822.SIZE 10)'] });
    const { mails } = await opened(account).fetch('INBOX', undefined, never, { subject: 'packets' });
    expect(mails).toEqual([refused(1), refused(2)]);
  });

  it.each(['SELECT', 'UID SEARCH', 'UID FETCH'])(
    'does not take a NO to %s for a mail that is not there',
    async (command) => {
      const { server, account } = await scripted('UIDPLUS');
      server.on(command, { status: 'NO' });
      await expect(opened(account).holds('INBOX', '<a@mix.test>', never)).rejects.toMatchObject({
        code: 'mail/protocol',
      });
    },
  );

  it.each([
    ['NO', 'mail/protocol'],
    ['BAD', 'mail/protocol'],
    ['drop', 'mail/closed'],
  ] as const)('has not put a mail anywhere when the server says %s', async (status, code) => {
    const { server, account } = await scripted('UIDPLUS');
    server.on('APPEND', { status });
    await expect(opened(account).append('INBOX', mailNamed('lost'), never)).rejects.toMatchObject({ code });
  });

  it('gives a large mail the time that its bytes need on a slow link', async () => {
    const world = await startInProcess();
    ends.push(() => world.stop());
    const { imap } = await world.addAccount('slow');
    const link = await startLink(imap.port);
    ends.push(() => link.stop());
    const inbox = opened({ ...imap, port: link.port, deadlineMs: 300 });
    await inbox.folders(never);
    link.freeze();
    const put = inbox.append('INBOX', mailNamed('large', bulk(200_000)), never);
    setTimeout(() => link.thaw(), 600);
    await put;
    expect((await inbox.fetch('INBOX', undefined, never)).mails).toHaveLength(1);
  });

  it.each(['CAPABILITY', 'LOGIN', 'SELECT', 'UID SEARCH'])('survives a link that ends at %s', async (command) => {
    const { server, account } = await scripted('UIDPLUS LOGIN');
    server.on(command, { status: 'drop' });
    const code = expect.stringMatching(/^mail\/(connect|closed)$/) as string;
    await expect(opened(account).fetch('INBOX', undefined, never)).rejects.toMatchObject({ code });
  });

  it('waits out its time while the server is away, without a storm of log-ins', async () => {
    const { server, account } = await scripted('UIDPLUS LOGIN');
    server.on('LOGIN', { status: 'drop' });
    const inbox = opened({ ...account, retryPauseMs: 300 });
    const from = performance.now();
    await inbox.waitForMail(10_000, never);
    expect(performance.now() - from).toBeGreaterThan(250);
    expect(server.commands.filter((command) => command.startsWith('LOGIN'))).toHaveLength(1);
  });

  it('does not name the program, in ID or elsewhere', async () => {
    const { server, account } = await scripted('UIDPLUS ID');
    await opened(account).folders(never);
    expect(server.commands).toContain('ID NIL');
    expect(server.commands.join('\n')).not.toMatch(/imapflow|mixmailer|postal/i);
  });

  it('does not compress: what compresses well tells its content by its size', async () => {
    const { server, account } = await scripted('UIDPLUS COMPRESS=DEFLATE');
    await opened(account).folders(never);
    expect(server.commands.some((command) => command.startsWith('COMPRESS'))).toBe(false);
  });

  it('logs in nowhere where STARTTLS is asked for and not offered', async () => {
    const { server, account } = await scripted('UIDPLUS');
    await expect(opened({ ...account, security: 'starttls' }).folders(never)).rejects.toMatchObject({
      code: 'mail/tls',
    });
    expect(server.commands.some((command) => /LOGIN|AUTH/.test(command))).toBe(false);
  });

  it('speaks clear text with this machine only', async () => {
    const { account } = await scripted('UIDPLUS');
    for (const host of ['192.0.2.1', 'mail.example', '127.example.org'])
      await expect(opened({ ...account, host }).folders(never)).rejects.toMatchObject({ code: 'mail/insecure' });
    const viaFar = { ...account, proxy: 'socks5h://192.0.2.1:1080' };
    await expect(opened(viaFar).folders(never)).rejects.toMatchObject({ code: 'mail/insecure' });
  });

  it('keeps credentials and addresses out of its errors', async () => {
    const { server, account } = await scripted('UIDPLUS');
    server.on('LOGIN', { status: 'NO' });
    const error = await opened(account)
      .folders(never)
      .then(
        () => undefined,
        (thrown: unknown) => thrown as Error,
      );
    expect(error).toMatchObject({ code: 'mail/login' });
    expect(`${error?.message} ${JSON.stringify(error)} ${String(error?.cause)}`).not.toMatch(/secret|@/);
  });

  it('probes what a mailbox is like', async () => {
    const { server, account } = await scripted('UIDPLUS IDLE NAMESPACE SPECIAL-USE');
    server.on('NAMESPACE', { untagged: ['* NAMESPACE (("" "/")) NIL NIL'] });
    server.on('LIST', {
      untagged: [
        '* LIST (\\HasNoChildren) "/" INBOX',
        '* LIST (\\HasNoChildren \\Junk) "/" Bulk',
        '* LIST (\\HasNoChildren \\Trash) "/" Bin',
      ],
    });
    expect(await probeImap(account, never)).toMatchObject({
      inbox: 'INBOX',
      junk: 'Bulk',
      trash: 'Bin',
      sent: undefined,
      canRemove: true,
      canIdle: true,
    });
  });
});

const dovecot = dovecotPostfix();

describe.skipIf(dovecot.kind === 'unavailable')('inbox on Dovecot, which hangs up at a mail that it can’t read', () => {
  const names = Array.from({ length: 12 }, (_, i) => `mail-${i}-`);
  const nameOf = ({ raw }: InboxMail): string =>
    /^Subject: (.*)\r$/m.exec(latin1(raw ?? new Uint8Array()))?.[1] ?? 'none';
  const others = names.map((name) => (name === 'mail-5-' ? 'none' : name));
  it('has the others read, and that one when it is mended', async () => {
    const world = await startDovecotPostfix();
    ends.push(() => world.stop());
    const account = await world.addAccount('damaged');
    const inbox = opened(account.imap);
    for (const name of names) await inbox.append('INBOX', mailNamed(name), never);
    world.damage(account, 'mail-5-');

    const { mails } = (await insist(() => inbox.fetch('INBOX', undefined, never))).given;
    expect(mails.map(nameOf)).toEqual(others);
    expect(mails.filter(({ isRefused }) => isRefused)).toHaveLength(1);
    const looked = (await insist(() => inbox.look('INBOX', undefined, never))).given;
    expect(looked.mails).toHaveLength(12);
    const those = (): Promise<readonly InboxMail[]> =>
      inbox.fetchThose('INBOX', looked.uidValidity, looked.mails, never);
    expect((await insist(those)).given.map(nameOf)).toEqual(others);
    world.mend(account, 'mail-5-');
    expect((await insist(those)).given.map(nameOf)).toEqual(names);
  });

  it('has a role read the others, and later that one', async () => {
    const world = await startDovecotPostfix();
    ends.push(() => world.stop());
    const account = await world.addAccount('follower');
    const inbox = opened(account.imap);
    const rng = seededRng(new Uint8Array(32).fill(4));
    const list = listOf();
    for (const name of ['ann', 'ben', 'cyd']) {
      const mail = { from: `${name}@mix.test`, to: account.address, documents: [endorsementOf(list, name)], now, rng };
      await inbox.append('INBOX', composeDirectoryMail(mail, nodeBase64, nodeCompression), never);
    }
    world.damage(account, 'ben@mix.test');
    const follow = followWorld();
    const reader = follow.follower(account.address);
    const read = async (): Promise<number> => {
      await insist(() => reader.read(inbox).then(() => true));
      return reader.store.endorsements(today).length;
    };

    expect(await read()).toBe(2);
    expect(reader.logged).toContain('mail/set-aside {"mails":1}');
    world.mend(account, 'ben@mix.test');
    follow.setNow(now + 2 * minuteMs);
    expect(await read()).toBe(3);
    expect((await inbox.look('INBOX', undefined, never)).mails).toEqual([]);
  });
});

describe('inbox on a server like Gmail', () => {
  it('removes through the trash, because deleting elsewhere only archives', async () => {
    const world = await startInProcess({ gmailLike: true });
    ends.push(() => world.stop());
    const account = await world.addAccount('gmail');
    for (const each of ['keep', 'go']) world.put(account.address, 'INBOX', mailNamed(each));
    world.put(account.address, 'Trash', mailNamed('of-the-user'));
    const inbox = opened(account.imap);
    const { mails, uidValidity } = await inbox.fetch('INBOX', undefined, never);
    await inbox.remove('INBOX', uidValidity, [mails[1]?.uid ?? 0], never);
    await inbox.remove('INBOX', uidValidity, [mails[1]?.uid ?? 0], never);
    const left = await withClient(account.imap, async (client) => {
      const counts: number[] = [];
      for (const folder of ['INBOX', 'Trash']) counts.push((await client.mailboxOpen(folder)).exists);
      return counts;
    });
    expect(left).toEqual([1, 1]);
    expect(await inbox.trashFolder(never)).toBe('Trash');
  });

  it('has what a removal left in the trash that was cut off before its end, until that is purged', async () => {
    const world = await startInProcess({ gmailLike: true });
    ends.push(() => world.stop());
    const { imap, address } = await world.addAccount('cut');
    const rng = seededRng(new Uint8Array(32).fill(3));
    const bundle = rng(geometry.packetBytes);
    bundle[0] = geometry.version;
    const packets = composeCarrierMail({ from: 'n@one.test', to: address, bundle, now: 0, rng }, nodeBase64);
    world.put(address, 'Trash', packets);
    world.put(address, 'Trash', mailNamed('of-the-user'));
    const reading = new Reading({ clock: { now: () => 0 }, log: silentLog });
    const deps = { inbox: opened(imap), store: sqliteMixStore(':memory:'), reading, base64: nodeBase64 };
    await purgeSent(deps, never);
    const names = (await deps.inbox.fetch('Trash', undefined, never)).mails.map(({ raw }) => latin1(raw ?? bundle));
    expect(names).toHaveLength(1);
    expect(names[0]).toContain('of-the-user');
  });

  it('is no other: the trash of a usual server is nobody’s business', async () => {
    const world = await startInProcess();
    ends.push(() => world.stop());
    const { imap } = await world.addAccount('usual');
    expect(await opened(imap).trashFolder(never)).toBeUndefined();
  });
});
