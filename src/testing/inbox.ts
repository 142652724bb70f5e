import { equalBytes, latin1 } from '../base/bytes.js';
import type { Cursor, Inbox, InboxMail, MailLook } from '../ports/mail.js';
import { given, type TestTools } from './tools.js';

/** How much one fetch of an inbox under test may take. */
export interface Limits {
  readonly maxMailBytes?: number;
  readonly maxFetchBytes?: number;
  readonly maxFetchCount?: number;
  readonly deadlineMs?: number;
}

/** One new, empty mailbox with everything the world can do to it. */
export interface InboxRig {
  readonly open: (limits?: Limits) => Inbox;
  /** An inbox that logs in with a wrong password. */
  readonly openWithWrongPassword: () => Inbox;
  /** Resolves when the mail is in the mailbox. */
  readonly deliver: (raw: Uint8Array) => Promise<void>;
  /** A folder beside the inbox, emptied and made anew under another UIDVALIDITY, with one mail in it. */
  readonly rebuild: (folder: string, raw: Uint8Array) => Promise<void>;
  /** Another client flags the mail with that UID `\Deleted`, without expunging it. */
  readonly markDeleted: (uid: number) => Promise<void>;
  /** What another client sees in the inbox. */
  readonly uids: () => Promise<readonly number[]>;
  /** Which mails of the folder are not marked as seen. */
  readonly unseen: (folder: string) => Promise<readonly number[]>;
  /** Links of the inboxes opened so far that are still there. */
  readonly links: () => number;
  /** Ends the links of the inboxes opened so far. */
  readonly cut: () => void;
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly stop: () => Promise<void>;
}

/** A server on which mailboxes for the contract can be made. */
export interface InboxServer {
  readonly rig: () => Promise<InboxRig>;
  readonly stop: () => Promise<void>;
}

const lines = (text: string): string => text.replaceAll('\n', '\r\n');

/** A small mail, different for every name, with a line that begins with a dot. */
export const mailNamed = (name: string, body = ''): Uint8Array =>
  Buffer.from(
    lines(
      `From: <a@mix.test>\nTo: <b@mix.test>\nSubject: ${name}\nMessage-ID: <${name}@mix.test>\n` +
        `Date: Sun, 22 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain\n\n` +
        `This is ${name}.\n.dot\n..dots\n${body}`,
    ),
  );

/** Base64-like text of about that many bytes, in lines of 76. */
export const bulk = (bytes: number): string =>
  Array.from({ length: Math.ceil(bytes / 78) }, (_, i) => `${i}`.padStart(8, '0').repeat(10).slice(0, 76)).join('\n') +
  '\n';

const withoutLastLineEnd = (raw: Uint8Array): Uint8Array =>
  raw.at(-2) === 13 && raw.at(-1) === 10 ? raw.subarray(0, -2) : raw;

/** Whether the mail came as it was sent, below what servers put on top. GreenMail takes the last line end away. */
export const arrivedWhole = (raw: Uint8Array | undefined, sent: Uint8Array): boolean => {
  if (raw === undefined) return false;
  const came = withoutLastLineEnd(raw);
  const went = withoutLastLineEnd(sent);
  return came.length >= went.length && equalBytes(came.subarray(came.length - went.length), went);
};

const never = new AbortController().signal;
const subject = ({ raw }: InboxMail): string => /^Subject: (.*)\r$/m.exec(latin1(raw ?? new Uint8Array()))?.[1] ?? '';

const quickly = async (work: Promise<unknown>): Promise<number> => {
  const from = performance.now();
  await work;
  return performance.now() - from;
};

/**
 * What every Inbox does, whatever server is behind it. It takes some minutes on a real one.
 *
 * @param tools of a test runner
 * @param name of the server, for the tests' names
 */
export const inboxContract = (tools: TestTools, name: string, start: () => Promise<InboxServer>): void => {
  const { describe, it, expect, beforeAll, afterAll, beforeEach, afterEach } = tools;
  describe(`${name}: inbox`, () => {
    let server: InboxServer;
    let rig: InboxRig;
    const opened: Inbox[] = [];
    const open = (limits?: Limits): Inbox => {
      const inbox = rig.open(limits);
      opened.push(inbox);
      return inbox;
    };

    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.stop());
    beforeEach(async () => {
      rig = await server.rig();
    });
    afterEach(async () => {
      rig.thaw();
      await Promise.all(opened.splice(0).map((inbox) => inbox.close()));
      await rig.stop();
    });

    it('has an inbox among its folders', async () => {
      expect(await open().folders(never)).toContain('INBOX');
    });

    it('fetches nothing from an empty inbox', async () => {
      const fetched = await open().fetch('INBOX', undefined, never);
      expect(fetched.mails).toEqual([]);
      expect(fetched.more).toBe(false);
    });

    it('gives a mail byte for byte, below what servers put on top', async () => {
      const sent = mailNamed('exact');
      await rig.deliver(sent);
      const { mails } = await open().fetch('INBOX', undefined, never);
      expect(mails).toHaveLength(1);
      expect(arrivedWhole(mails[0]?.raw, sent)).toBe(true);
    });

    it('goes on behind the cursor, and gives everything again after a cursor of another folder life', async () => {
      const inbox = open();
      await rig.deliver(mailNamed('one'));
      const first = await inbox.fetch('INBOX', undefined, never);
      const cursor: Cursor = { uidValidity: first.uidValidity, uid: first.mails[0]?.uid ?? 0 };
      expect((await inbox.fetch('INBOX', cursor, never)).mails).toEqual([]);
      await rig.deliver(mailNamed('two'));
      expect((await inbox.fetch('INBOX', cursor, never)).mails.map(subject)).toEqual(['two']);
      const stale = { uidValidity: `${first.uidValidity}1`, uid: 10_000 };
      expect((await inbox.fetch('INBOX', stale, never)).mails.map(subject)).toEqual(['one', 'two']);
    });

    it('hands out many mails in order, a bounded number at a time', async () => {
      const names = Array.from({ length: 25 }, (_, i) => `mail-${i}`);
      for (const each of names) await rig.deliver(mailNamed(each));
      const inbox = open({ maxFetchCount: 10 });
      const seen: string[] = [];
      const counts: number[] = [];
      let cursor: Cursor | undefined;
      for (let more = true; more;) {
        const fetched = await inbox.fetch('INBOX', cursor, never);
        const last = fetched.mails.at(-1);
        if (last === undefined) break;
        cursor = { uidValidity: fetched.uidValidity, uid: last.uid };
        seen.push(...fetched.mails.map(subject));
        counts.push(fetched.mails.length);
        more = fetched.more;
      }
      expect(seen).toEqual(names);
      expect(counts).toEqual([10, 10, 5]);
    });

    it('stops before the byte limit, but never before the first mail', async () => {
      for (const each of ['x', 'y', 'z']) await rig.deliver(mailNamed(each, bulk(20_000)));
      const fetched = await open({ maxFetchBytes: 30_000 }).fetch('INBOX', undefined, never);
      expect(fetched.mails.map(subject)).toEqual(['x']);
      expect(fetched.more).toBe(true);
      expect((await open({ maxFetchBytes: 50_000 }).fetch('INBOX', undefined, never)).mails).toHaveLength(2);
    });

    it('names a mail over the size limit without fetching it', async () => {
      await rig.deliver(mailNamed('huge', bulk(60_000)));
      await rig.deliver(mailNamed('small'));
      const { mails } = await open({ maxMailBytes: 30_000 }).fetch('INBOX', undefined, never);
      expect(mails.map(({ raw }) => raw === undefined)).toEqual([true, false]);
      const larger = await open().fetch('INBOX', undefined, never, { smallestBytes: 30_000 });
      expect(larger.mails.map(({ raw }) => raw === undefined)).toEqual([false, true]);
      const asked = await open({ maxMailBytes: 30_000 }).fetch('INBOX', undefined, never, { largestBytes: 70_000 });
      expect(asked.mails.map(({ raw }) => raw === undefined)).toEqual([false, false]);
      const none = await open().fetch('INBOX', undefined, never, { largestBytes: 50 });
      expect(none.mails.map(({ raw }) => raw === undefined)).toEqual([true, true]);
    });

    it('tells by a look who wrote what mails, how large they are and whether a program made them', async () => {
      const head = (fields: string): Uint8Array => Buffer.from(lines(`To: <b@mix.test>\n${fields}\n\n${bulk(3000)}`));
      await rig.deliver(mailNamed('one'));
      await rig.deliver(
        head('From: "A, B" <Carol@Mix.Test>\nSubject: =?utf-8?B?UGFyY2Vscw==?=\nAuto-Submitted: auto-generated'),
      );
      await rig.deliver(head('From: <a@mix.test>, <b@mix.test>\nAuto-Submitted: auto-replied'));
      const inbox = open();
      const looked = await inbox.look('INBOX', undefined, never);
      expect(looked.more).toBe(false);
      expect(looked.mails.map(({ from, subject: words, isAutoGenerated }) => [from, words, isAutoGenerated])).toEqual([
        ['a@mix.test', 'one', false],
        ['Carol@mix.test', 'Parcels', true],
        [undefined, '', false],
      ]);
      expect(looked.mails.map(({ uid }) => uid)).toEqual(await rig.uids());
      expect(looked.mails[1]?.sizeBytes).toBeGreaterThan(3000);
      expect(looked.mails[1]?.sizeBytes).toBeLessThan(6000);
      const cursor = { uidValidity: looked.uidValidity, uid: looked.mails[1]?.uid ?? 0 };
      expect((await inbox.look('INBOX', cursor, never)).mails).toEqual(looked.mails.slice(2));
      const stale = { uidValidity: `${looked.uidValidity}1`, uid: 10_000 };
      expect((await inbox.look('INBOX', stale, never)).mails).toEqual(looked.mails);
    });

    it('fetches mails of a look in any order, and leaves out what is gone since', async () => {
      for (const each of ['one', 'two', 'three']) await rig.deliver(mailNamed(each));
      const inbox = open();
      const { mails, uidValidity } = await inbox.look('INBOX', undefined, never);
      const [one, two, three] = [0, 1, 2].map((nth) => given(mails[nth], 'three mails')) as [
        MailLook,
        MailLook,
        MailLook,
      ];
      await inbox.remove('INBOX', uidValidity, [two.uid], never);
      const fetched = await inbox.fetchThose('INBOX', uidValidity, [three, two, one], never);
      expect(fetched.map(subject)).toEqual(['three', 'one']);
      expect(await inbox.fetchThose('INBOX', `${uidValidity}1`, [one], never)).toEqual([]);
      expect(await inbox.fetchThose('INBOX', uidValidity, [], never)).toEqual([]);
      expect(await rig.uids()).toEqual([one.uid, three.uid]);
    });

    it('takes mail that came after a look for news, and no mail before it', async () => {
      const inbox = open();
      await rig.deliver(mailNamed('before'));
      await inbox.look('INBOX', undefined, never);
      expect(await quickly(inbox.waitForMail(300, never))).toBeGreaterThan(250);
      await rig.deliver(mailNamed('after'));
      expect(await quickly(inbox.waitForMail(60_000, never))).toBeLessThan(20_000);
    });

    it('knows the quota of the mailbox, if its server tells one', async () => {
      await rig.deliver(mailNamed('one'));
      const quota = await open().quota(never);
      expect(quota === undefined || quota.usedBytes <= quota.limitBytes).toBe(true);
    });

    it('fetches what has the words in its Subject, and names the rest', async () => {
      const encoded = `=?utf-8?B?${Buffer.from('【外部】 Parcels For You').toString('base64')}?=`;
      const subjects = [
        'parcels for you',
        'letter',
        '[EXT] Parcels For You (checked)',
        encoded,
        'Parcels\n For You',
        'Parcels For Them',
      ];
      for (const each of subjects) await rig.deliver(mailNamed(each));
      const inbox = open();
      const { mails } = await inbox.fetch('INBOX', undefined, never, { subject: 'Parcels for you' });
      expect(mails.map(({ raw }) => raw !== undefined)).toEqual([true, false, true, true, true, false]);
      const larger = await inbox.fetch('INBOX', undefined, never, { subject: 'parcels', smallestBytes: 30_000 });
      expect(larger.mails.map(({ raw }) => raw)).toEqual(subjects.map(() => undefined));
    });

    it('fetches no mail without a Subject when one is asked for', async () => {
      await rig.deliver(Buffer.from('From: <a@mix.test>\r\nTo: <b@mix.test>\r\n\r\nSubject: parcels\r\n'));
      const { mails } = await open().fetch('INBOX', undefined, never, { subject: 'parcels' });
      expect(mails.map(({ raw }) => raw)).toEqual([undefined]);
    });

    it('knows by its Message-ID whether a folder holds a mail', async () => {
      await rig.deliver(mailNamed('Held'));
      const inbox = open();
      for (const [id, held] of [
        ['<Held@mix.test>', true],
        ['<eld@mix.test>', false],
        ['Held@mix.test', false],
        ['<held@mix.test>', false],
        ['<other@mix.test>', false],
      ] as const)
        expect([id, await inbox.holds('INBOX', id, never)]).toEqual([id, held]);
      const [, other = 'Parcels'] = await inbox.folders(never);
      if (other === 'Parcels') await rig.rebuild(other, mailNamed('another'));
      expect(await inbox.holds(other, '<Held@mix.test>', never)).toBe(false);
      await expect(inbox.holds('No such folder', '<Held@mix.test>', never)).rejects.toMatchObject({
        code: 'mail/protocol',
      });
    });

    it('puts a mail into a folder byte for byte, where it is unseen and held', async () => {
      const inbox = open();
      await rig.rebuild('Parcels', mailNamed('before'));
      const mail = mailNamed('put', 'ü'.repeat(10) + bulk(3_000_000));
      const before = mail.slice();
      await inbox.append('Parcels', mail, never);
      expect(equalBytes(mail, before)).toBe(true);
      const { mails } = await inbox.fetch('Parcels', undefined, never);
      expect(mails.map(subject)).toEqual(['before', 'put']);
      expect(arrivedWhole(mails[1]?.raw, mail)).toBe(true);
      expect(await rig.unseen('Parcels')).toContain(mails[1]?.uid);
      expect(await inbox.holds('Parcels', '<put@mix.test>', never)).toBe(true);
    });

    it('puts a mail into the inbox, which is news there', async () => {
      const inbox = open();
      await inbox.fetch('INBOX', undefined, never);
      await inbox.append('INBOX', mailNamed('put'), never);
      expect(await quickly(inbox.waitForMail(60_000, never))).toBeLessThan(20_000);
      expect((await inbox.fetch('INBOX', undefined, never)).mails.map(subject)).toEqual(['put']);
    });

    it('says so when there is no such folder to put a mail into', async () => {
      const inbox = open();
      await expect(inbox.append('No such folder', mailNamed('lost'), never)).rejects.toMatchObject({
        code: 'mail/protocol',
      });
      expect((await inbox.fetch('INBOX', undefined, never)).mails).toEqual([]);
    });

    it('can read the folder in which the provider keeps what was sent, if there is one', async () => {
      const inbox = open();
      const sent = await inbox.sentFolder(never);
      if (sent !== undefined) expect((await inbox.fetch(sent, undefined, never)).mails).toEqual([]);
      expect(await inbox.folders(never)).not.toContain(sent ?? 'none');
    });

    it('carries a mail of 3 MB unharmed', async () => {
      const sent = mailNamed('big', bulk(3_000_000));
      await rig.deliver(sent);
      const { mails } = await open().fetch('INBOX', undefined, never);
      expect(arrivedWhole(mails[0]?.raw, sent)).toBe(true);
    });

    it('removes those mails and nothing else, not even what another client marked deleted', async () => {
      for (const each of ['keep', 'go', 'marked', 'go-too']) await rig.deliver(mailNamed(each));
      const inbox = open();
      const { mails, uidValidity } = await inbox.fetch('INBOX', undefined, never);
      const [keep = 0, go = 0, marked = 0, goToo = 0] = mails.map(({ uid }) => uid);
      await rig.markDeleted(marked);
      await inbox.remove('INBOX', uidValidity, [goToo, go], never);
      expect(await rig.uids()).toEqual([keep, marked]);
    });

    it('takes a mail that is already gone, and an old folder life, for removed', async () => {
      await rig.deliver(mailNamed('once'));
      const inbox = open();
      const { mails, uidValidity } = await inbox.fetch('INBOX', undefined, never);
      const uids = mails.map(({ uid }) => uid);
      await inbox.remove('INBOX', uidValidity, uids, never);
      await inbox.remove('INBOX', uidValidity, uids, never);
      await rig.deliver(mailNamed('newer'));
      const [newer = 0] = await rig.uids();
      await inbox.remove('INBOX', `${uidValidity}1`, [newer], never);
      expect(await rig.uids()).toEqual([newer]);
    });

    it('sees a rebuilt folder by its UIDVALIDITY and gives its mails whatever the cursor says', async () => {
      const inbox = open();
      await rig.rebuild('Parcels', mailNamed('before'));
      const before = await inbox.fetch('Parcels', undefined, never);
      expect(before.mails.map(subject)).toEqual(['before']);
      await inbox.fetch('INBOX', undefined, never);
      await rig.rebuild('Parcels', mailNamed('after'));
      const cursor = { uidValidity: before.uidValidity, uid: 1000 };
      const after = await inbox.fetch('Parcels', cursor, never);
      expect(after.uidValidity).not.toBe(before.uidValidity);
      expect(after.mails.map(subject)).toEqual(['after']);
    });

    it('tells of mail that comes while waiting', async () => {
      const inbox = open();
      await inbox.fetch('INBOX', undefined, never);
      const waited = quickly(inbox.waitForMail(60_000, never));
      await new Promise((resolve) => setTimeout(resolve, 100));
      await rig.deliver(mailNamed('news'));
      expect(await waited).toBeLessThan(20_000);
      expect((await inbox.fetch('INBOX', undefined, never)).mails.map(subject)).toEqual(['news']);
    });

    it('tells of mail that came between the fetch and the wait', async () => {
      const inbox = open();
      await inbox.fetch('INBOX', undefined, never);
      await rig.deliver(mailNamed('between'));
      expect(await quickly(inbox.waitForMail(60_000, never))).toBeLessThan(20_000);
    });

    it('tells of mail that came before other work on the inbox', async () => {
      const inbox = open();
      await rig.deliver(mailNamed('first'));
      const { mails, uidValidity } = await inbox.fetch('INBOX', undefined, never);
      await rig.deliver(mailNamed('second'));
      await inbox.remove('INBOX', uidValidity, [mails[0]?.uid ?? 0], never);
      expect(await quickly(inbox.waitForMail(60_000, never))).toBeLessThan(20_000);
      await inbox.fetch('INBOX', undefined, never);
      await rig.deliver(mailNamed('third'));
      await inbox.holds('INBOX', '<first@mix.test>', never);
      expect(await quickly(inbox.waitForMail(60_000, never))).toBeLessThan(20_000);
    });

    it('tells of mail although another job looks into another folder meanwhile', async () => {
      const inbox = open();
      const [, other = 'INBOX'] = await inbox.folders(never);
      await inbox.fetch('INBOX', undefined, never);
      const waited = quickly(inbox.waitForMail(60_000, never));
      await inbox.fetch(other, undefined, never);
      await rig.deliver(mailNamed('meanwhile'));
      expect(await waited).toBeLessThan(20_000);
    });

    it('waits no longer than asked, and not at all after an abort', async () => {
      const inbox = open();
      await inbox.fetch('INBOX', undefined, never);
      const tookMs = await quickly(inbox.waitForMail(300, never));
      expect(tookMs).toBeGreaterThan(250);
      expect(tookMs).toBeLessThan(5000);
      const abort = new AbortController();
      const waited = quickly(inbox.waitForMail(60_000, abort.signal));
      setTimeout(() => abort.abort(), 100);
      expect(await waited).toBeLessThan(5000);
    });

    it('gives up at its deadline when the server falls silent, and is well again afterwards', async () => {
      const inbox = open({ deadlineMs: 500 });
      await inbox.fetch('INBOX', undefined, never);
      rig.freeze();
      await expect(inbox.fetch('INBOX', undefined, never)).rejects.toMatchObject({ code: 'mail/timeout' });
      rig.thaw();
      expect((await inbox.fetch('INBOX', undefined, never)).mails).toEqual([]);
    });

    it('connects anew at the next call after its link was cut', async () => {
      const inbox = open();
      await inbox.fetch('INBOX', undefined, never);
      rig.cut();
      await rig.deliver(mailNamed('after-the-cut'));
      expect((await inbox.fetch('INBOX', undefined, never)).mails.map(subject)).toEqual(['after-the-cut']);
    });

    it('refuses work after an abort and after close', async () => {
      const inbox = open();
      await expect(inbox.fetch('INBOX', undefined, AbortSignal.abort())).rejects.toMatchObject({ code: 'mail/closed' });
      await inbox.close();
      await expect(inbox.folders(never)).rejects.toMatchObject({ code: 'mail/closed' });
    });

    it('says that the log-in failed when the password is wrong', async () => {
      const inbox = rig.openWithWrongPassword();
      opened.push(inbox);
      await expect(inbox.folders(never)).rejects.toMatchObject({ code: 'mail/login' });
      // A process that ends would wait for one that stays.
      for (let tries = 0; rig.links() > 0 && tries < 100; tries++)
        await new Promise((resolve) => setTimeout(resolve, 100));
      expect(rig.links()).toBe(0);
    });
  });
};
