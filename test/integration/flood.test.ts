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
import { geometry } from '../../src/sphinx/geometry.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { createPacket } from '../../src/sphinx/packet.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { silentLog, withClient } from '../contracts/server-rigs.js';
import { mixmailer, Running } from '../demo/processes.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { Account, MailWorld } from '../servers/mail-world.js';

const crypto = chooseCrypto();
const never = new AbortController().signal;

const mostBytes = 300 * 1024 * 1024;
/** The schedule of the list: a flush every four seconds. */
const intervalMs = 4 * secondMs;
/** What the node's account may send: at each flush a mail to both other nodes, 30 a minute. */
const perMinute = 32;
/** In the minute that the flooded part takes, the flood has fifty times as many mails. */
const floodMails = 50 * perMinute;
/** So many of them are full bundles of 64, the others have 4 packets. */
const floodFull = 40;
const legitimate = 8;
/** So long may the story take without the flood, and with it. */
const patienceMs = 4 * minuteMs;

const configOf = ({ address, user, password, imap, smtp }: Account, authority: string): string =>
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
port = ${smtp.port}
security = "none"
[mail.budget]
perDay = 10000000
perMinute = ${perMinute}
since = 2020-01-01
[network]
list = "network.txt"
authorities = ["${authority}"]
[node]
name = "mix"
poll = 1
[node.cover]
loopsPerInterval = 0
`;

/** A node that is in the list, and in nobody's hands: packets go to its mailbox and stay there. */
const silentNode = ({ address }: Account): Descriptor => {
  const now = Math.floor(Date.now() / secondMs) * secondMs;
  const { publicKey } = expandKey(crypto, systemRng(32));
  const mixKeys = [{ publicKey, notBefore: now - dayMs, notAfter: now + dayMs, expiresAt: now + dayMs }];
  const name = address.split('@')[0] ?? '';
  return readDescriptor(signDescriptor({ name, address, roles: ['mix'], mixKeys, publishedAt: now }, systemRng(32)));
};

const intervalOf = (at: number): number => Math.floor(at / intervalMs);
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** When its first server took a mail, in whole seconds: the trace that it has put in lies under those of all others. */
const takenAt = (raw: Uint8Array): number =>
  new Date(valuesOf(readHead(raw), 'received').at(-1)?.split(';').at(-1)?.trim() ?? '').getTime();

/** Most memory that the process ever had, in bytes. */
const peakOf = (pid: number): number => {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? Infinity) * 1024;
};

for (const kind of (await findServers()).filter(({ name }) => name === 'dovecot-postfix'))
  describe(`${kind.name}: a node whose mailbox one sender floods`, () => {
    if (kind.kind === 'unavailable') {
      it.skip(missingLine(kind));
      return;
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'mm-flood-'));
    let world: MailWorld;
    let account: Account;
    let alice: Account;
    let mallory: Account;
    let target: Account;
    let mix: Descriptor;
    let others: readonly Descriptor[];
    let node: Running | undefined;

    beforeAll(async () => {
      world = await kind.start();
      account = await world.addAccount('mix', 'mix.test');
      alice = await world.addAccount('alice', 'home.test');
      mallory = await world.addAccount('mallory', 'evil.test');
      target = await world.addAccount('next', 'next.test');
      const secret = systemRng(32);
      const configFile = path.join(folder, 'node.toml');
      writeFileSync(configFile, configOf(account, publicKeyOf(secret)), { mode: 0o600 });
      await mixmailer('keygen', '--config', configFile);
      await mixmailer('descriptor', '--config', configFile, '--out', path.join(folder, 'mix.txt'));
      mix = readDescriptor(readFileSync(path.join(folder, 'mix.txt'), 'utf8'));
      others = [target, await world.addAccount('other', 'other.test')].map(silentNode);
      const validFrom = Math.floor(Date.now() / secondMs) * secondMs;
      const list = signNetwork(
        {
          validFrom,
          validUntil: validFrom + dayMs,
          parameters: {
            ...defaultNetworkParameters,
            mixSchedule: `*/${intervalMs / secondMs} * * * * *`,
            strategy: { kind: 'threshold', count: 1 },
          },
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
      await world.stop();
      rmSync(folder, { recursive: true });
    });

    const packetTo = (next: Descriptor | undefined): Uint8Array => {
      const hops = [mix, next ?? expect.fail()].map((hop) => hopOf(hop, Date.now()));
      return createPacket(crypto, { hops, last: { kind: 'drop' }, payload: new Uint8Array(), rng: systemRng });
    };
    const mailOf = (from: Account, packets: readonly Uint8Array[]): Uint8Array => {
      const bundle = joinBundle(packets, () => expect.fail(), systemRng);
      return composeCarrierMail(
        { from: from.address, to: mix.address, bundle, now: Date.now(), rng: systemRng },
        nodeBase64,
      );
    };

    /**
     * Puts one packet after the other of that sender into the node's mailbox, each when the one before has left the node.
     *
     * What counts is how many flushes of the node each waits for, 1 at least: from the moment at which its mail lies in the mailbox to
     * that at which the node hands the packet in. The way of a mail through servers that have a flood to carry is neither
     * in it nor what the node can do anything about, and a busy machine makes no flush come later than the clock says.
     *
     * @param isOver asked after each, once there are enough of them
     */
    const delaysOf = async (sender: Account, isOver: () => boolean): Promise<readonly number[]> => {
      const arrived = (): Promise<readonly Buffer[]> =>
        withClient(target.imap, async (client) => {
          const { exists } = await client.mailboxOpen('INBOX');
          if (exists === 0) return [];
          const mails = await client.fetchAll('1:*', { source: true });
          return mails.map(({ source }) => source ?? expect.fail('a mail without a source'));
        });
      const delays: number[] = [];
      const before = (await arrived()).length;
      const until = Date.now() + patienceMs;
      while (delays.length < legitimate || !isOver()) {
        const raw = mailOf(sender, [packetTo(others[0])]);
        // Always at the same place between two flushes: what is found at the next look leaves at the next flush.
        await sleep(intervalMs - (Date.now() % intervalMs) + secondMs / 2);
        await withClient(account.imap, (client) => client.append('INBOX', Buffer.from(raw)));
        const put = intervalOf(Date.now());
        for (;;) {
          const mail = (await arrived())[before + delays.length];
          if (mail !== undefined) {
            delays.push(Math.max(1, intervalOf(takenAt(mail)) - put));
            break;
          }
          if (Date.now() > until) return delays;
          await sleep(secondMs / 4);
        }
      }
      return delays;
    };

    it(
      'passes on what is legitimate in twice the usual time, has no more memory than 300 MB, and keeps the owner’s letter',
      async () => {
        const pid = node?.pid ?? expect.fail();
        const letter = `From: <friend@home.test>\r\nSubject: Re: MixMailer packets\r\n\r\n${'a letter\r\n'.repeat(9000)}`;
        await withClient(account.imap, (client) => client.append('INBOX', Buffer.from(letter)));
        const floods = smtpOutbox(mallory.smtp, silentLog);
        const garbage = (): Uint8Array => {
          const packet = systemRng(geometry.packetBytes);
          packet[0] = geometry.version;
          return packet;
        };
        const bundlesOf = (count: number, size: number, make: () => Uint8Array): Uint8Array[] =>
          Array.from({ length: count }, () => mailOf(mallory, Array.from({ length: size }, make)));
        // Good ones go another way, and come again and again as replays.
        const small = [...bundlesOf(20, 4, () => packetTo(others[1])), ...bundlesOf(5, 4, garbage)];
        const full = [...bundlesOf(2, 64, () => packetTo(others[1])), ...bundlesOf(1, 64, garbage)];
        const plan = Array.from({ length: floodMails }, (_, i) =>
          i % Math.floor(floodMails / floodFull) === 0 ? full[i % full.length] : small[i % small.length],
        );
        const calm = await delaysOf(alice, () => true);
        expect(calm).toHaveLength(legitimate);
        let next = 0;
        const lane = async (): Promise<void> => {
          while (next < plan.length) {
            const raw = plan[next++] ?? expect.fail();
            await floods.send({ from: mallory.address, to: mix.address, raw }, never);
          }
        };
        const begunAt = Date.now();
        let endedAt: number | undefined;
        const flood = Promise.all([lane(), lane(), lane(), lane()]).then(() => (endedAt = Date.now()));
        const flooded = await delaysOf(alice, () => endedAt !== undefined);
        await flood;
        // The node has seen all of the flood once its mailbox has been looked at after the last mail.
        await sleep(3 * secondMs);
        const peak = peakOf(pid);
        await floods.close();
        const tookMinutes = ((endedAt ?? NaN) - begunAt) / minuteMs;
        process.stdout.write(
          `flood: ${floodMails} mails in ${tookMinutes.toFixed(1)} min; flushes waited for: calm ${calm.join(' ')}, flooded ${flooded.join(' ')}; peak ${Math.round(peak / 2 ** 20)} MB\n`,
        );
        expect(flooded.length).toBeGreaterThanOrEqual(legitimate);
        expect(median(flooded)).toBeLessThanOrEqual(2 * median(calm));
        expect(peak).toBeLessThan(mostBytes);
        const left = await withClient(account.imap, async (client) => {
          await client.mailboxOpen('INBOX');
          const found = await client.search({ header: { subject: 'Re: MixMailer packets' } }, { uid: true });
          return Array.isArray(found) ? found.length : 0;
        });
        expect(left).toBe(1);
        expect(node?.log).not.toMatch(/^warn/m);
      },
      3 * patienceMs,
    );
  });
