import { describe, expect, it } from 'vitest';
import { ascii, concat, latin1 } from '../../src/base/bytes.js';
import { MailError, RouteError } from '../../src/base/errors.js';
import { mib, minuteMs } from '../../src/base/units.js';
import { overlaid } from '../fakes/in-order.js';
import { fakeNetwork, without } from '../fakes/network.js';
import type { FakeNetwork, FakeNode, Wrap } from '../fakes/network.js';
import { carrierTo, packetOver, quick, turns } from './packets.js';

const first = ({ nodes }: FakeNetwork): FakeNode => nodes[0] ?? expect.fail('no node');
const pathFrom = ({ nodes }: FakeNetwork, from: number): FakeNode[] => [...nodes.slice(from), ...nodes.slice(0, from)];

/** Counts the calls to one port, and can make them fail. */
const watching = (portName: string, fail: (call: string) => Error | undefined = () => undefined) => {
  const calls: string[] = [];
  const wrap: Wrap = (name, port) =>
    name !== portName
      ? port
      : new Proxy(port, {
          get: (target, key) => {
            const method: unknown = Reflect.get(target, key);
            if (typeof method !== 'function') return method;
            return (...args: unknown[]): unknown => {
              calls.push(String(key));
              const error = fail(String(key));
              return error === undefined ? Reflect.apply(method, target, args) : Promise.reject(error);
            };
          },
        });
  return { calls, wrap };
};

describe('a mail with packets', () => {
  it('counts once, however often and wherever it comes: twice, after a restart, through Junk', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    const mail = carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]);
    node.account.mailbox.put(mail);
    node.account.mailbox.put(mail);
    await node.turn();
    expect(network.world.observed).toHaveLength(1);
    // Each turn is a process of its own on the same store.
    node.account.mailbox.put(mail, 'Junk');
    await node.turn();
    node.account.mailbox.rebuild('INBOX');
    node.account.mailbox.put(mail);
    await node.turn();
    expect(node.counted()).toMatchObject({ in: 1, out: 1, 'packet/replayed': 3 });
    expect(network.world.observed).toHaveLength(1);
    expect(node.account.mailbox.uids()).toEqual([]);
    expect(node.account.mailbox.uids('Junk')).toEqual([]);
  });

  it('is found where a gateway wrapped it', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    const mail = carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]);
    const head = 'From: x@y.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=g\r\n\r\n--g\r\n';
    const wrapped = concat(
      ascii(`${head}Content-Type: message/rfc822\r\n\r\n`),
      mail,
      ascii('\r\n--g\r\nContent-Type: text/plain\r\n\r\nThis mail was scanned.\r\n--g--\r\n'),
    );
    node.account.mailbox.put(wrapped);
    await node.turn();
    expect(node.counted()).toMatchObject({ in: 1 });
    expect(node.account.mailbox.uids()).toEqual([]);
  });

  it('is removed only after its packets are durable, and read again when the removal failed', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    const { wrap } = watching('inbox', (call) =>
      call === 'remove' ? new MailError('mail/protocol', 'not now') : undefined,
    );
    await expect(node.turn(wrap)).rejects.toThrow(MailError);
    expect(node.store.waiting(Infinity)).toHaveLength(1);
    expect(node.account.mailbox.uids()).toHaveLength(1);
    await node.turn();
    expect(node.account.mailbox.uids()).toEqual([]);
    expect(node.counted()).toMatchObject({ in: 1, 'packet/replayed': 1 });
  });

  it('is removed when every packet in it is for somebody else: nobody answers, nothing stays', async () => {
    const network = fakeNetwork(quick);
    const [node, other] = network.nodes;
    if (node === undefined || other === undefined) return expect.fail();
    node.account.mailbox.put(carrierTo(network, other, [packetOver(network, pathFrom(network, 1).slice(0, 3))]));
    await node.turn();
    expect(node.counted()).toEqual({ 'packet/bad-mac': 1 });
    expect(node.account.mailbox.uids()).toEqual([]);
    expect(network.world.observed).toEqual([]);
  });
});

describe('any other mail in a node’s mailbox', () => {
  const dsn = (inside: Uint8Array): Uint8Array =>
    concat(
      ascii(
        [
          'From: MAILER-DAEMON@provider.test',
          'Subject: Undelivered Mail Returned to Sender',
          'Auto-Submitted: auto-replied',
          'MIME-Version: 1.0',
          'Content-Type: multipart/report; report-type=delivery-status; boundary=d',
          '',
          '--d',
          'Content-Type: text/plain',
          '',
          'mailbox full',
          '--d',
          'Content-Type: message/delivery-status',
          '',
          'Action: failed',
          'Status: 5.2.2',
          '--d',
          'Content-Type: message/rfc822',
          '',
          '',
        ].join('\r\n'),
      ),
      inside,
      ascii('\r\n--d--\r\n'),
    );

  it('stays as it is, and nobody gets an answer', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    const delivered = ascii('From: <node@mix2.test>\r\nTo: <bob@friend.test>\r\nSubject: ...\r\n\r\nencrypted\r\n');
    const parts = Array.from({ length: 1000 }, (_, i) => `--b\r\nContent-Type: text/x-${i}\r\n\r\nx\r\n`).join('');
    const others = [
      ascii('From: friend@x.test\r\nSubject: hello operator\r\n\r\nhow is the node?\r\n'),
      ascii('no header at all'),
      new Uint8Array(0),
      ascii(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts}--b--\r\n`),
      ascii(`From: vacation@x.test\r\nAuto-Submitted: auto-replied\r\n\r\nI am away\r\n`),
      dsn(delivered),
      delivered,
    ];
    for (const other of others) node.account.mailbox.put(other);
    await turns(network, 2);
    expect(node.account.mailbox.raws().map(latin1)).toEqual(others.map(latin1));
    expect(network.world.observed).toEqual([]);
    expect(node.counted()).toEqual({});
  });

  it('is fetched once, not at every turn', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    for (let i = 0; i < 5; i++) node.account.mailbox.put(ascii(`Subject: ${i}\r\n\r\nx\r\n`));
    await node.turn();
    expect(node.store.cursor('INBOX')).toMatchObject({ uid: 5 });
    // A server that renumbers its mails makes it look at all of them again.
    node.account.mailbox.rebuild('INBOX');
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    await node.turn();
    expect(node.counted()).toMatchObject({ in: 1 });
    expect(node.store.cursor('INBOX')).toMatchObject({ uid: 1 });
  });

  it('that is a bounce of a packet mail is put away without an answer', async () => {
    const network = fakeNetwork(quick);
    const [node, other] = network.nodes;
    if (node === undefined || other === undefined) return expect.fail();
    const sent = carrierTo(network, other, [packetOver(network, pathFrom(network, 1).slice(0, 3))]);
    node.account.mailbox.put(dsn(sent));
    await node.turn();
    expect(node.counted()).toEqual({ 'packet/bad-mac': 1 });
    expect(network.world.observed).toEqual([]);
  });

  it('in a junk folder that vanishes is no trouble', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    const inbox = { ...node.account.inbox, folders: () => Promise.resolve(['INBOX', 'Vanished']) };
    const swapped: Wrap = (name, port) => (name === 'inbox' ? (inbox as unknown as typeof port) : port);
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    await expect(node.turn(swapped)).rejects.toThrow(MailError);
    // What the inbox held was dealt with before.
    expect(node.store.waiting(Infinity)).toHaveLength(1);
    await node.turn();
    expect(node.counted()).toMatchObject({ in: 1, out: 1 });
  });
});

describe('a mail that the server refuses to give', () => {
  it('holds up no other, is asked for again ever less often, and has its turn when it is given', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    const { mailbox } = node.account;
    for (let i = 0; i < 3; i++) mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    mailbox.refused.add(1);
    const asked: number[] = [];
    const wrap: Wrap = (name, port) =>
      name !== 'inbox'
        ? port
        : Object.assign(Object.create(port) as typeof port, {
            fetchThose: (...args: Parameters<typeof node.account.inbox.fetchThose>) => {
              asked.push(...args[2].map(({ uid }) => uid));
              return node.account.inbox.fetchThose(...args);
            },
          });
    await node.turn(wrap);
    expect(node.counted()).toMatchObject({ in: 2, out: 2, 'mail/set-aside': 1 });
    expect(mailbox.uids()).toEqual([1]);
    expect(node.store.cursor('INBOX')).toMatchObject({ uid: 0 });
    // After a minute, two more, four more, ...; from then on once an hour.
    for (let minute = 0; minute < 5 * 60; minute++) {
      network.passMs(minuteMs);
      await node.turn(wrap);
    }
    expect(asked.filter((uid) => uid === 1)).toHaveLength(10);
    expect(asked.filter((uid) => uid !== 1)).toEqual([2, 3]);
    expect(node.counted()).toMatchObject({ in: 2, 'mail/set-aside': 1 });
    mailbox.refused.clear();
    network.passMs(60 * minuteMs);
    await node.turn(wrap);
    expect(node.counted()).toMatchObject({ in: 3, 'mail/set-aside': 1 });
    expect(mailbox.uids()).toEqual([]);
    expect(node.store.cursor('INBOX')).toMatchObject({ uid: 3 });
  });

  it('is read by the next process, which knows of none', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    for (let i = 0; i < 2; i++)
      node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    node.account.mailbox.refused.add(1);
    await node.turn();
    node.account.mailbox.refused.clear();
    await expect(
      node.turn(watching('inbox', (call) => (call === 'look' ? new MailError('mail/closed', 'gone') : undefined)).wrap),
    ).rejects.toThrow(MailError);
    await node.turn();
    expect(node.counted()).toMatchObject({ in: 2 });
    expect(node.account.mailbox.uids()).toEqual([]);
  });
});

describe('a node without a valid network list', () => {
  it('leaves its mailbox alone, fetches nothing, and goes on where it was when there is one again', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    await node.turn();
    expect(network.world.observed).toHaveLength(1);
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    node.sees(undefined);
    const { calls, wrap } = watching('inbox');
    await expect(node.turn(wrap)).rejects.toThrow(RouteError);
    await expect(node.turn(wrap)).rejects.toThrow(RouteError);
    expect(calls).toEqual([]);
    expect(node.account.mailbox.uids()).toHaveLength(1);
    node.sees(network.network);
    await node.turn();
    expect(network.world.observed).toHaveLength(2);
  });

  it('that runs out while mails are being fetched keeps them', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    const { wrap } = watching('inbox', (call) => {
      if (call === 'fetchThose') node.sees(undefined);
      return undefined;
    });
    await expect(node.turn(wrap)).rejects.toThrow(RouteError);
    expect(node.account.mailbox.uids()).toHaveLength(1);
    node.sees(network.network);
    await node.turn();
    expect(node.counted()).toMatchObject({ in: 1, out: 1 });
  });

  it('keeps its pool, and sends it on when there is a list again', async () => {
    const network = fakeNetwork({ parameters: { strategy: { kind: 'pool', minimum: 0, rate: 1 } } });
    const node = first(network);
    const unread = without(network.network, network.nodes[1]?.nodeId ?? expect.fail());
    node.sees(unread);
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    await node.turn();
    node.sees(undefined);
    for (let day = 0; day < 5; day++) {
      await node.turn().catch(() => undefined);
      network.passMs(minuteMs);
    }
    expect(node.store.waiting(Infinity)).toHaveLength(1);
    node.sees(network.network);
    await node.turn();
    expect(node.store.waiting(Infinity)).toHaveLength(0);
    expect(network.world.observed).toHaveLength(1);
  });
});

describe('a node that is full', () => {
  it('reads nothing while its pool is, says so once, and goes on when there is room', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    let poolSize = 60_000;
    const wrap: Wrap = (name, port) =>
      name === 'store'
        ? new Proxy(port, { get: (of, key) => (key === 'poolSize' ? () => poolSize : Reflect.get(of, key)) })
        : port;
    const warnings = () => node.logged.filter((line) => line.startsWith('intake/'));
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    for (let i = 0; i < 2; i++) await node.turn(wrap);
    expect(node.account.mailbox.uids()).toHaveLength(1);
    expect(node.counted()).toEqual({ 'intake/pool-full': 1 });
    expect(warnings()).toEqual(['intake/pool-full {}']);
    poolSize = 59_999;
    await node.turn(wrap);
    expect(node.counted()).toMatchObject({ in: 1, out: 1 });
    expect(node.account.mailbox.uids()).toEqual([]);
    expect(warnings()).toEqual(['intake/pool-full {}', 'intake/resumed {}']);
  });

  it('reads nothing while its disk nearly is, sends on what it has, and reads again when that has made room', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    let roomBytes = 32 * mib;
    const wrap: Wrap = (name, port) => (name === 'store' ? overlaid(port, { roomBytes: () => roomBytes }) : port);
    const warnings = () => node.logged.filter((line) => line.startsWith('intake/'));
    const bring = (): void => {
      node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    };
    bring();
    await node.turn(wrap);
    expect(node.counted()).toMatchObject({ in: 1, out: 1 });
    bring();
    roomBytes--;
    const nextHop = network.nodes[1]?.nodeId ?? expect.fail('no other node');
    node.store.addToPool({
      kind: 'forward',
      nextHop,
      readyAt: network.now(),
      bytes: packetOver(network, network.nodes.slice(1, 4)),
    });
    for (let i = 0; i < 2; i++) await node.turn(wrap);
    expect(node.account.mailbox.uids()).toHaveLength(1);
    expect(node.counted()).toMatchObject({ in: 1, out: 2, 'intake/disk-full': 1 });
    roomBytes++;
    await node.turn(wrap);
    expect(node.counted()).toMatchObject({ in: 2, out: 3 });
    expect(node.account.mailbox.uids()).toEqual([]);
    expect(warnings()).toEqual(['intake/disk-full {}', 'intake/disk-has-room {}']);
  });

  it('of mails in its mailbox that it leaves there says so, and reads on', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    const { mailbox } = node.account;
    mailbox.limitBytes = 1_000_000;
    mailbox.put(ascii(`Subject: spam\r\n\r\n${'x'.repeat(800_000)}\r\n`));
    const warnings = () => node.logged.filter((line) => line.startsWith('intake/'));
    mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    for (let i = 0; i < 2; i++) await node.turn();
    expect(node.counted()).toMatchObject({ in: 1, out: 1 });
    expect(warnings()).toEqual(['intake/mailbox-nearly-full {}']);
    expect(mailbox.uids()).toHaveLength(1);
    mailbox.limitBytes = 2_000_000;
    await node.turn();
    expect(warnings().at(-1)).toBe('intake/mailbox-has-room {}');
  });

  it('of mails in its mailbox removes what it can’t read yet, down to a tenth of the quota, and no letter', async () => {
    const network = fakeNetwork({ ...quick, rates: { perSender: 1, perNode: 1 } });
    const node = first(network);
    const { mailbox } = node.account;
    mailbox.limitBytes = 1_000_000;
    const letter = ascii(`Subject: spam\r\n\r\n${'x'.repeat(800_000)}\r\n`);
    mailbox.put(letter);
    // Seven intervals' worth are read at once, and a mail.
    const packet = carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]);
    const fits = Math.floor(100_000 / packet.length);
    for (let i = 0; i < 14; i++) mailbox.put(packet);
    await node.turn();
    expect(node.counted()).toMatchObject({ in: 1, 'packet/replayed': 6, 'mail/over-quota': 7 - fits });
    expect(mailbox.raws().map((raw) => raw.length)).toEqual([
      letter.length,
      ...Array.from({ length: fits }, () => packet.length),
    ]);
  });

  it('never fetches a mail that is larger than the largest of the network', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    const mail = carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]);
    node.account.mailbox.put(concat(mail, new Uint8Array(8 * 1024 * 1024 + 1 - mail.length)));
    await node.turn();
    expect(node.counted()).toEqual({});
    node.account.mailbox.put(concat(mail, new Uint8Array(8 * 1024 * 1024 - mail.length)));
    await node.turn();
    expect(node.counted()).toMatchObject({ in: 1 });
  });
});

describe('a packet for a node that this one does not know yet', () => {
  it('waits for the next list', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    node.sees(without(network.network, network.nodes[1]?.nodeId ?? expect.fail()));
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 3))]));
    await turns(network, 5);
    expect(network.world.observed).toEqual([]);
    node.sees(network.network);
    await node.turn();
    expect(network.world.observed.map(({ to }) => to)).toEqual([network.nodes[1]?.account.address]);
  });

  it('takes no room beyond a bound', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    const unknown = network.nodes[1]?.nodeId ?? expect.fail();
    node.sees(without(network.network, unknown));
    node.store.atomically(() => {
      for (let i = 0; i < 1999; i++)
        node.store.addToPool({ kind: 'forward', nextHop: unknown, readyAt: network.now(), bytes: new Uint8Array(1) });
    });
    const packets = Array.from({ length: 4 }, () => packetOver(network, network.nodes.slice(0, 3)));
    node.account.mailbox.put(carrierTo(network, node, packets));
    const known = [0, 2, 3].map((i) => network.nodes[i] ?? expect.fail());
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, known)]));
    await node.turn();
    expect(node.counted()).toMatchObject({ in: 2, 'packet/unknown-next-hop': 3, out: 1 });
    expect(node.store.waiting(Infinity)).toHaveLength(2000);
  });
});
