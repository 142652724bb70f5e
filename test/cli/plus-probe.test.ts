import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { seededRng } from '../../src/base/random.js';
import { minuteMs } from '../../src/base/units.js';
import { probePlusAddress, type PlusFinding } from '../../src/cli/plus-probe.js';
import type { Inbox, Outbox, OutgoingMail } from '../../src/ports/mail.js';
import { bulk, mailNamed } from '../../src/testing/inbox.js';
import { fakeMailWorld, type FakeAccount, type FakeMailWorld } from '../fakes/mail-world.js';
import { fakeOutbox, handlings } from '../fakes/outbox.js';

const never = new AbortController().signal;
const startAt = Date.UTC(2026, 10, 24, 12, 0, 30);

let world: FakeMailWorld;
let exit: FakeAccount;
let now: number;

/** Waiting lets time pass; what comes meanwhile comes in `onWait`. */
const probe = (outbox: Outbox = exit.outbox, onWait: () => void = () => undefined): Promise<PlusFinding> => {
  const inbox: Inbox = {
    ...exit.inbox,
    waitForMail: (timeoutMs) => {
      now += timeoutMs;
      onWait();
      return Promise.resolve();
    },
  };
  const rng = seededRng(new Uint8Array(32));
  return probePlusAddress(
    { inbox, outbox, clock: { now: () => now }, rng, own: exit.address, waitMs: 2 * minuteMs },
    never,
  );
};

const everything = (): readonly Uint8Array[] => ['INBOX', 'Junk'].flatMap((folder) => exit.mailbox.raws(folder));

beforeEach(() => {
  world = fakeMailWorld();
  exit = world.account('exit@mix.test');
  now = startAt;
});

describe('the test of plus addresses', () => {
  it('finds the mail in the inbox and removes it, and only it', async () => {
    const others = [mailNamed('old'), mailNamed('large', bulk(50_000))];
    for (const each of others) exit.mailbox.put(each);
    expect(await probe()).toBe('arrived');
    expect(everything()).toEqual(others);
    expect(now).toBe(startAt);
  });

  it('sends one small mail to itself that says nothing of the machine', async () => {
    await probe();
    expect(world.observed).toHaveLength(1);
    const [mail] = world.observed;
    const [, id = ''] = /^exit\+mixmailer-([0-9a-f]{8})@mix\.test$/.exec(mail?.to ?? '') ?? [];
    expect(mail).toMatchObject({ from: 'exit@mix.test', envelopeId: id });
    expect(latin1(mail?.raw ?? new Uint8Array()).split('\r\n')).toEqual([
      'From: <exit@mix.test>',
      `To: <exit+mixmailer-${id}@mix.test>`,
      'Subject: MixMailer test of plus addresses',
      'Date: Tue, 24 Nov 2026 12:00:00 +0000',
      expect.stringMatching(/^Message-ID: <[0-9a-f]{32}@mix\.test>$/),
      'MIME-Version: 1.0',
      'Auto-Submitted: auto-generated',
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'This mail tests whether mail to this address arrives. A program looks for it and removes it.',
      '',
    ]);
  });

  it('finds the mail when it comes late, taken for spam, with another Message-ID and a folded To', async () => {
    const taken: OutgoingMail[] = [];
    const slow = fakeOutbox((mail) => taken.push(mail) > 0);
    let waits = 0;
    const finding = await probe(slow, () => {
      if (++waits < 3) return;
      const [mail] = taken.splice(0);
      if (mail === undefined) return;
      const changed = latin1(mail.raw)
        .replace('To: ', 'To:\r\n ')
        .replace(/^Message-ID: .*$/m, 'Message-ID: <new@relay.test>');
      exit.mailbox.put(ascii(changed), 'Junk');
    });
    expect(finding).toBe('arrived');
    expect(everything()).toEqual([]);
    expect(now - startAt).toBeLessThan(minuteMs);
  });

  it('gives up after its time when nothing comes, and takes nothing else for the mail', async () => {
    const swallowing = fakeOutbox(() => true);
    const finding = await probe(swallowing, () => exit.mailbox.put(mailNamed(`other-${now}`)));
    expect(finding).toBe('not arrived');
    expect(now - startAt).toBe(2 * minuteMs);
    expect(everything()).toHaveLength(12);
  });

  it('knows at once that the address was refused', async () => {
    world.plusAddresses = false;
    expect(await probe()).toBe('not arrived');
    expect(now).toBe(startAt);
  });

  it('knows from a bounce of its own mail, which it removes, and not from another', async () => {
    const report = readFileSync(new URL('../message/bounces/postfix.eml', import.meta.url), 'latin1');
    const bouncing = fakeOutbox(({ to }) => {
      exit.mailbox.put(ascii(report));
      exit.mailbox.put(ascii(report.replaceAll('gone@mix.test', to)));
      return true;
    });
    expect(await probe(bouncing)).toBe('not arrived');
    expect(now).toBe(startAt);
    expect(everything().map(latin1)).toEqual([report]);
  });

  it('finds out nothing while the server takes no mail', async () => {
    world.handle = () => handlings.limit;
    expect(await probe()).toBe('not sent');
  });

  it('waits for a mail whose hand-over ended without an answer', async () => {
    world.handle = () => handlings.unknownTaken;
    expect(await probe()).toBe('arrived');
  });

  it('sends nothing where there is no room for a detail', async () => {
    exit = world.account(`${'a'.repeat(60)}@mix.test`);
    expect(await probe()).toBe('not arrived');
    expect(world.observed).toEqual([]);
  });
});
