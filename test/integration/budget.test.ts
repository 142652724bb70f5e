import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { systemRng } from '../../src/adapters/system.js';
import { dayMs, minuteMs, secondMs } from '../../src/base/units.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail } from '../../src/carrier/carrier.js';
import { type Descriptor, readDescriptor, signDescriptor } from '../../src/route/descriptor.js';
import { publicKeyOf } from '../../src/route/document.js';
import { hopOf } from '../../src/route/hop.js';
import { defaultNetworkParameters, signNetwork } from '../../src/route/network.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { createPacket } from '../../src/sphinx/packet.js';
import { silentLog } from '../contracts/server-rigs.js';
import { mixmailer, Running } from '../demo/processes.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { smtpTap, type SmtpTap } from '../servers/smtp-tap.js';

const crypto = chooseCrypto();
const never = new AbortController().signal;

// The day of this story has one minute: the account may send 350 mails in any of them. A mix interval is two seconds of
// it; far more next hops than a node of a network with layers has, so that there are more mails to send than it may even where a
// busy machine makes a flush of it only now and then.
const aDayMs = minuteMs;
const mailsADay = 350;
const nextHops = 40;
const bundles = 95;
const perBundle = 64;
/** A mail is handed over some time after it was counted. */
const slackMs = 2 * secondMs;

const configOf = ({ address, user, password, imap, smtp }: Account, smtpPort: number, authority: string): string =>
  `data = "data"
[mail]
address = "${address}"
[mail.imap]
host = "${imap.host}"
port = ${imap.port}
security = "none"
user = "${user}"
password = "${password}"
[mail.smtp]
host = "${smtp.host}"
port = ${smtpPort}
security = "none"
[mail.budget]
perDay = 10000000
perMinute = ${mailsADay}
since = 2020-01-01
[network]
list = "network.txt"
authorities = ["${authority}"]
[node]
name = "mix"
poll = 1
[node.cover]
loopsPerInterval = 0
# One sender stands for all the network here.
[node.limits]
packetsPerSender = 1000
`;

/** A node that is in the list, and in nobody's hands: packets go to its mailbox and stay there. */
const silentNode = ({ address }: Account): Descriptor => {
  const now = Math.floor(Date.now() / secondMs) * secondMs;
  const { publicKey } = expandKey(crypto, systemRng(32));
  const mixKeys = [{ publicKey, notBefore: now - dayMs, notAfter: now + dayMs, expiresAt: now + dayMs }];
  return readDescriptor(
    signDescriptor(
      { name: address.split('@')[0] ?? '', address, roles: ['mix'], mixKeys, publishedAt: now },
      systemRng(32),
    ),
  );
};

interface Event {
  readonly at: number;
  readonly count: number;
}

/** How much fell into a span of that length from there. */
const fallenIn = (spanMs: number, from: number, events: readonly Event[]): number =>
  events.filter(({ at }) => at >= from && at <= from + spanMs).reduce((sum, { count }) => sum + count, 0);

/** The most that fell into a span of that length. */
const mostIn = (spanMs: number, events: readonly Event[]): number =>
  Math.max(...events.map(({ at }) => fallenIn(spanMs, at, events)));

for (const kind of (await findServers()).filter(({ name }) => name === 'dovecot-postfix'))
  describe(`${kind.name}: a node on an account of ${mailsADay} mails a day, which has a minute`, () => {
    if (kind.kind === 'unavailable') {
      it.skip(missingLine(kind));
      return;
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'mm-budget-'));
    const mails: { readonly at: number; readonly count: number }[] = [];
    let world: MailWorld;
    let tap: SmtpTap;
    let sender: Account;
    let mix: Descriptor;
    let others: readonly Descriptor[];
    let node: Running | undefined;

    beforeAll(async () => {
      world = await kind.start();
      const account = await world.addAccount('mix', 'mix.test');
      sender = await world.addAccount('alice', 'home.test');
      tap = await smtpTap(account.smtp.port, () => void mails.push({ at: Date.now(), count: 1 }));
      const secret = systemRng(32);
      const configFile = path.join(folder, 'node.toml');
      writeFileSync(configFile, configOf(account, tap.port, publicKeyOf(secret)), { mode: 0o600 });
      await mixmailer('keygen', '--config', configFile);
      await mixmailer('descriptor', '--config', configFile, '--out', path.join(folder, 'mix.txt'));
      mix = readDescriptor(readFileSync(path.join(folder, 'mix.txt'), 'utf8'));
      const accounts: Account[] = [];
      for (let i = 1; i <= nextHops; i++) accounts.push(await world.addAccount(`next${i}`, `next${i}.test`));
      others = accounts.map(silentNode);
      const validFrom = Math.floor(Date.now() / secondMs) * secondMs;
      const list = signNetwork(
        {
          validFrom,
          validUntil: validFrom + dayMs,
          parameters: { ...defaultNetworkParameters, mixSchedule: '*/2 * * * * *' },
          descriptors: [mix, ...others].map(({ text }) => text),
        },
        secret,
      );
      writeFileSync(path.join(folder, 'network.txt'), list);
      node = new Running('mix', 'node', '--config', configFile);
      await node.says(/^running/m);
    });
    afterAll(async () => {
      await node?.stop();
      await tap.close();
      await world.stop();
      rmSync(folder, { recursive: true });
    });

    it('carries more than 5,000 packets in a day, with no more mails than it may send, and loses none', async () => {
      const outbox = smtpOutbox(sender.smtp, silentLog);
      const left: { at: number; count: number }[] = [];
      let heard = 0;
      const log = (): string => node?.log ?? '';
      /** What the node has said since the last look. */
      const listen = (): void => {
        const said = log().slice(heard);
        heard += said.lastIndexOf('\n') + 1;
        for (const [, out] of said.slice(0, said.lastIndexOf('\n') + 1).matchAll(/^info mix .*\bout=(\d+)/gm))
          left.push({ at: Date.now(), count: Number(out) });
      };
      const carried = (): number => left.reduce((sum, { count }) => sum + count, 0);
      let nth = 0;
      const makePacket = (): Uint8Array => {
        const next = others[nth++ % others.length] ?? expect.fail();
        const hops = [mix, next].map((hop) => hopOf(hop, Date.now()));
        return createPacket(crypto, { hops, last: { kind: 'drop' }, payload: new Uint8Array(), rng: systemRng });
      };
      const ready = Array.from({ length: bundles }, () =>
        joinBundle(Array.from({ length: perBundle }, makePacket), () => expect.fail(), systemRng),
      );
      const begunAt = Date.now();
      for (const [i, bundle] of ready.entries()) {
        const letter = { from: sender.address, to: mix.address, bundle, now: Date.now(), rng: systemRng };
        const raw = composeCarrierMail(letter, nodeBase64);
        expect(await outbox.send({ from: sender.address, to: mix.address, raw }, never)).toMatchObject({
          kind: 'accepted',
        });
        listen();
        // At an even pace over more than a day.
        await sleep(Math.max(0, begunAt + ((i + 1) * 1.1 * aDayMs) / bundles - Date.now()));
      }
      // The pool keeps two on average, and then and now one more.
      const all = bundles * perBundle;
      const until = Date.now() + 50 * secondMs;
      while (carried() < all - 10 && Date.now() < until) {
        await sleep(500);
        listen();
      }
      await outbox.close();
      expect(carried()).toBeGreaterThanOrEqual(all - 10);
      // Of a machine that is too busy to move so many in that time only the mails tell.
      const isBusy = (left.at(-1)?.at ?? 0) - begunAt > 1.3 * aDayMs;
      if (!isBusy) expect(mostIn(aDayMs, left)).toBeGreaterThan(5000);
      // Of the fullest day: what is left over after it leaves in mails that are not full.
      const fullest = left.find(({ at }) => fallenIn(aDayMs, at, left) === mostIn(aDayMs, left)) ?? expect.fail();
      const inMails = fallenIn(aDayMs, fullest.at, mails);
      expect(fallenIn(aDayMs, fullest.at, left) / inMails).toBeGreaterThan(5000 / mailsADay);
      expect(mostIn(aDayMs - slackMs, mails)).toBeLessThanOrEqual(mailsADay);
      // It would have sent more.
      expect(log()).toMatch(/budget\/ways-held=\d/);
      expect(log()).not.toMatch(/^warn/m);
    });
  });
