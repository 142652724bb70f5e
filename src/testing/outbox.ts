import { plusAddress } from '../base/address.js';
import { equalBytes, latin1 } from '../base/bytes.js';
import type { Outbox } from '../ports/mail.js';
import { arrivedWhole, bulk, mailNamed } from './inbox.js';
import type { TestTools } from './tools.js';

/** One sender and one receiver with everything the world can do between them. */
export interface OutboxRig {
  readonly from: string;
  readonly to: string;
  readonly open: (limits?: { readonly deadlineMs?: number; readonly maxLinks?: number }) => Outbox;
  /** An outbox that logs in with a wrong password. */
  readonly openWithWrongPassword: () => Outbox;
  /** An outbox whose server is away. */
  readonly openToNobody: () => Outbox;
  /** The mails of the receiver, once there are at least `count`. */
  readonly received: (count: number) => Promise<readonly Uint8Array[]>;
  /** An address nobody has. */
  readonly nobody: string;
  /** Whether the server refuses mail for it; GreenMail makes the mailbox instead. */
  readonly refusesNobody: boolean;
  /** Whether mail to `local+detail@domain` reaches `local@domain`. */
  readonly plusAddresses: boolean;
  /** Ends the links opened so far, as a server does with idle ones. */
  readonly cut: () => void;
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly stop: () => Promise<void>;
}

export interface OutboxServer {
  readonly rig: () => Promise<OutboxRig>;
  readonly stop: () => Promise<void>;
}

const never = new AbortController().signal;
const subjectOf = (raw: Uint8Array): string | undefined => /^Subject: (.*)\r$/m.exec(latin1(raw))?.[1];
const accepted = { kind: 'accepted', code: 250 };

/**
 * What every Outbox does, whatever server is behind it.
 *
 * @param tools of a test runner
 * @param name of the server, for the tests' names
 */
export const outboxContract = (tools: TestTools, name: string, start: () => Promise<OutboxServer>): void => {
  const { describe, it, expect, beforeAll, afterAll, beforeEach, afterEach } = tools;
  describe(`${name}: outbox`, () => {
    let server: OutboxServer;
    let rig: OutboxRig;
    const opened: Outbox[] = [];
    const kept = (outbox: Outbox): Outbox => {
      opened.push(outbox);
      return outbox;
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
      await Promise.all(opened.splice(0).map((outbox) => outbox.close()));
      await rig.stop();
    });

    it('hands a mail over byte for byte', async () => {
      const raw = mailNamed('exact');
      const outbox = kept(rig.open());
      expect(await outbox.send({ from: rig.from, to: rig.to, raw }, never)).toEqual(accepted);
      const [mail] = await rig.received(1);
      expect(arrivedWhole(mail, raw)).toBe(true);
    });

    it('hands 3 MB over unharmed', async () => {
      const raw = mailNamed('big', bulk(3_000_000));
      const outbox = kept(rig.open());
      expect(await outbox.send({ from: rig.from, to: rig.to, raw }, never)).toEqual(accepted);
      const [mail] = await rig.received(1);
      expect(arrivedWhole(mail, raw)).toBe(true);
    });

    it('leaves the bytes it was given as they were', async () => {
      const raw = mailNamed('mine');
      const before = raw.slice();
      await kept(rig.open()).send({ from: rig.from, to: rig.to, raw }, never);
      expect(equalBytes(raw, before)).toBe(true);
    });

    it('hands over many mails at once, each one time', async () => {
      const outbox = kept(rig.open({ maxLinks: 2 }));
      const names = Array.from({ length: 20 }, (_, i) => `many-${i}`);
      const sent = names.map((each) => outbox.send({ from: rig.from, to: rig.to, raw: mailNamed(each) }, never));
      expect(await Promise.all(sent)).toEqual(names.map(() => accepted));
      const subjects = (await rig.received(names.length)).map(subjectOf);
      expect(subjects.sort()).toEqual(names.sort());
    });

    it('is refused for a recipient nobody has, and goes on with the next mail', async () => {
      const outbox = kept(rig.open({ maxLinks: 1 }));
      const refused = await outbox.send({ from: rig.from, to: rig.nobody, raw: mailNamed('lost') }, never);
      expect(refused).toEqual(rig.refusesNobody ? { kind: 'refused', code: 550 } : accepted);
      expect(await outbox.send({ from: rig.from, to: rig.to, raw: mailNamed('next') }, never)).toEqual(accepted);
    });

    it('hands over a mail with an envelope id like any other, also to a server that knows none', async () => {
      const raw = mailNamed('with-id');
      const outbox = kept(rig.open());
      const mail = { from: rig.from, to: rig.to, raw, envelopeId: '0123456789abcdefABCDEF' };
      expect(await outbox.send(mail, never)).toEqual(accepted);
      const [arrived] = await rig.received(1);
      expect(arrivedWhole(arrived, raw)).toBe(true);
    });

    it('reaches a mailbox by its plus addresses, where the provider knows them', async () => {
      const outbox = kept(rig.open({ maxLinks: 1 }));
      const to = plusAddress(rig.to, 'k7');
      const outcome = await outbox.send({ from: rig.from, to, raw: mailNamed('plus') }, never);
      expect(outcome).toEqual(rig.plusAddresses || !rig.refusesNobody ? accepted : { kind: 'refused', code: 550 });
      expect(await outbox.send({ from: rig.from, to: rig.to, raw: mailNamed('bare') }, never)).toEqual(accepted);
      const subjects = (await rig.received(rig.plusAddresses ? 2 : 1)).map(subjectOf);
      expect(subjects.sort()).toEqual(rig.plusAddresses ? ['bare', 'plus'] : ['bare']);
    });

    it('comes back later when the password is wrong', async () => {
      const outbox = kept(rig.openWithWrongPassword());
      const outcome = await outbox.send({ from: rig.from, to: rig.to, raw: mailNamed('no') }, never);
      expect(outcome).toMatchObject({ kind: 'later', why: 'login' });
    });

    it('comes back later when nobody listens', async () => {
      const outcome = await kept(rig.openToNobody()).send({ from: rig.from, to: rig.to, raw: mailNamed('no') }, never);
      expect(outcome).toEqual({ kind: 'later', code: undefined, why: 'connect' });
    });

    it('comes back later at its deadline when the server falls silent before the mail', async () => {
      rig.freeze();
      const outbox = kept(rig.open({ deadlineMs: 500 }));
      const outcome = await outbox.send({ from: rig.from, to: rig.to, raw: mailNamed('silent') }, never);
      expect(outcome).toEqual({ kind: 'later', code: undefined, why: 'timeout' });
    });

    it('takes a new link when the old one was closed while it rested', async () => {
      const outbox = kept(rig.open({ maxLinks: 1 }));
      await outbox.send({ from: rig.from, to: rig.to, raw: mailNamed('first') }, never);
      rig.cut();
      expect(await outbox.send({ from: rig.from, to: rig.to, raw: mailNamed('second') }, never)).toEqual(accepted);
      expect(await rig.received(2)).toHaveLength(2);
    });

    it('sends nothing after an abort or after close', async () => {
      const outbox = kept(rig.open());
      const mail = { from: rig.from, to: rig.to, raw: mailNamed('never') };
      expect(await outbox.send(mail, AbortSignal.abort())).toMatchObject({ kind: 'later' });
      await outbox.close();
      expect(await outbox.send(mail, never)).toMatchObject({ kind: 'later' });
      expect(await rig.received(0)).toEqual([]);
    });
  });
};
