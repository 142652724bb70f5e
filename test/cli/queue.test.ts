import { join } from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { healthFile } from '../../src/adapters/health-file.js';
import { lockFolder } from '../../src/adapters/sqlite.js';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { messageIdOf } from '../../src/base/ids.js';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { queueLines, register } from '../../src/cli/queue.js';
import type { Meter } from '../../src/mix/meter.js';
import type { HealthRecord } from '../../src/ports/health.js';
import type { MessageStatus } from '../../src/ports/client-store.js';
import { run, testFolder } from './run.js';

const folder = testFolder();
const now = Date.UTC(2026, 10, 22, 12);

const statusOf = (more: Partial<MessageStatus>): MessageStatus => ({
  id: messageIdOf(new Uint8Array(16)),
  recipient: 'bob@friend.test',
  originalMessageId: undefined,
  state: 'waiting',
  submittedAt: now - hourMs,
  sendings: 0,
  nextAt: undefined,
  settledAt: undefined,
  ending: undefined,
  bits: undefined,
  ...more,
});

const viewOf = (messages: readonly MessageStatus[]) => ({
  messages,
  meter: { bits: 7, floorBits: 0 },
  unreadSince: undefined,
});

describe('the queue as a table', () => {
  it('says what became of each message', () => {
    const lines = queueLines(
      viewOf([
        statusOf({
          submittedAt: now - 72 * hourMs,
          state: 'failed',
          settledAt: now - hourMs,
          ending: { kind: 'refused', code: 550 },
        }),
        statusOf({
          submittedAt: now - 30 * hourMs,
          recipient: 'c@x.test',
          state: 'delivered',
          sendings: 1,
          bits: 8.126,
          settledAt: now - 90 * minuteMs,
        }),
        statusOf({ submittedAt: now - 13 * hourMs, state: 'in-network', sendings: 2, nextAt: now + hourMs }),
        statusOf({ submittedAt: now - 2 * hourMs, state: 'sent', sendings: 1, settledAt: now }),
        statusOf({ submittedAt: now - minuteMs, recipient: `${'long'.repeat(12)}@friend.test` }),
      ]),
      now,
    );
    expect(lines).toEqual([
      'submitted (UTC)   age    recipient                                 anonymity  state',
      '2026-11-19 12:00  3 d    bob@friend.test                           unknown    failed 2026-11-22 11:00: It was not delivered: the mail server refused it with the code 550; there may be no such mailbox, or it takes no mail from this network.',
      '2026-11-21 06:00  30 h   c@x.test                                  8.1 bits   delivered 2026-11-22 10:30',
      '2026-11-21 23:00  13 h   bob@friend.test                           unknown    in the network, 2nd sending, next at 2026-11-22 13:00',
      '2026-11-22 10:00  2 h    bob@friend.test                           unknown    sent 2026-11-22 12:00',
      '2026-11-22 11:59  1 min  longlonglonglonglonglonglonglonglongl...  7.0 bits   waiting',
    ]);
  });

  it('says of what waits for more traffic how much there is', () => {
    const lineOf = (meter: Meter): string | undefined => queueLines({ ...viewOf([statusOf({})]), meter }, now)[1];
    const begin = '2026-11-22 11:00  1 h  bob@friend.test';
    expect(lineOf({ bits: 5.24, floorBits: 6 })).toBe(`${begin}  waits: 5.2 of 6.0 bits  waiting`);
    expect(lineOf({ bits: undefined, floorBits: 6 })).toBe(`${begin}  waits: unknown of 6.0 bits  waiting`);
    expect(lineOf({ bits: 6, floorBits: 6 })).toBe(`${begin}  6.0 bits   waiting`);
  });

  it('counts sendings as people do', () => {
    const ordinals = [1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 111].map((sendings) => {
      const [, line = ''] = queueLines(viewOf([statusOf({ state: 'in-network', sendings, nextAt: now })]), now);
      return /, (\S+) sending,/.exec(line)?.[1];
    });
    expect(ordinals).toEqual(['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '22nd', '23rd', '111th']);
  });

  it('says since when the mailbox can’t be read, while something waits for what comes there', () => {
    const lastLine = (state: MessageStatus['state']): string | undefined =>
      queueLines({ ...viewOf([statusOf({ state })]), unreadSince: now - 5 * hourMs }, now).at(-1);
    const line =
      'The mailbox has not been read to its end since about 2026-11-22 07:00 UTC. Until it can be read nothing is sent again or given up; "mixmailer health" and the log say more.';
    expect(lastLine('in-network')).toBe(line);
    expect(lastLine('waiting')).toBe(line);
    for (const state of ['sent', 'delivered', 'failed'] as const) expect(lastLine(state)).toMatch(/^2026-11-22 11:00/);
  });

  it('has a line a message, and one when there is none', () => {
    expect(queueLines(viewOf([]), now)).toEqual(['no message waits, and none was sent in the last 7 days']);
    expect(queueLines(viewOf(Array.from({ length: 50 }, () => statusOf({}))), now)).toHaveLength(51);
  });
});

const config = join(folder, 'client.toml');
writeFileSync(
  config,
  `data = "data"
[mail]
address = "alice@home.example"
[mail.imap]
host = "imap.home.example"
passwordCommand = "echo secret"
[mail.smtp]
host = "smtp.home.example"
[client]
`,
);

describe('mixmailer queue', () => {
  it('works before the client has ever run, and without a network list', async () => {
    expect(await run(register, 'queue', '--config', config)).toMatchObject({
      exitCode: 0,
      out: 'no message waits, and none was sent in the last 7 days\n',
    });
    expect((await run(register, 'queue', '--config', config, '--json')).out).toBe('[]\n');
  });

  it('shows the messages beside a running client, to people and to programs', async () => {
    mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 });
    const store = sqliteClientStore(join(folder, 'data', 'mixmailer.db'));
    const ids = [1, 2].map((fill) => messageIdOf(new Uint8Array(16).fill(fill)));
    const [first = expect.fail(), second = expect.fail()] = ids;
    const message = { message: new Uint8Array(1), replyBlocks: 0, originalMessageId: undefined };
    store.queueMessage({ ...message, id: first, recipient: 'bob@friend.test' }, new Uint8Array(32).fill(1), now);
    store.queueMessage({ ...message, id: second, recipient: 'carol@friend.test' }, new Uint8Array(32).fill(2), now + 1);
    store.countSending(first, now + 3 * hourMs, 7.5);
    store.settleMessage(second, { state: 'failed', ending: { kind: 'gave-up' } }, now + hourMs);
    const { out } = await run(register, 'queue', '--config', config);
    expect(out).toMatch(/bob@friend\.test +7\.5 bits +in the network, 1st sending, next at 2026-11-22 15:00\n/);
    expect(out).toMatch(/carol@friend\.test +unknown +failed 2026-11-22 13:00: Nobody knows whether it was delivered/);
    const json = JSON.parse((await run(register, 'queue', '--config', config, '--json')).out) as unknown;
    expect(json).toEqual([
      {
        id: '01'.repeat(16),
        recipient: 'bob@friend.test',
        state: 'in-network',
        submittedAt: '2026-11-22T12:00:00.000Z',
        sendings: 1,
        nextAt: '2026-11-22T15:00:00.000Z',
        settledAt: null,
        reason: null,
        bits: 7.5,
        floorBits: null,
      },
      {
        id: '02'.repeat(16),
        recipient: 'carol@friend.test',
        state: 'failed',
        submittedAt: '2026-11-22T12:00:00.001Z',
        sendings: 0,
        nextAt: null,
        settledAt: '2026-11-22T13:00:00.000Z',
        reason: expect.stringContaining('Nobody knows') as string,
        bits: null,
        floorBits: null,
      },
    ]);
    store.close();
  });

  it('says so of a running client that can’t read its mailbox, and of no other', async () => {
    const data = join(folder, 'data');
    const at = Date.now();
    const record: HealthRecord = {
      ...{ role: 'client', startedAt: at - 9 * hourMs, at, isStopping: false, isTurning: true, pollMs: 10 * minuteMs },
      ...{ readAt: undefined, sentAt: undefined, flushedAt: undefined, listUntil: undefined },
    };
    const isSaid = async (told: HealthRecord): Promise<boolean> => {
      healthFile(data)(told);
      return (await run(register, 'queue', '--config', config)).out.includes(
        'The mailbox has not been read to its end',
      );
    };
    expect(await isSaid(record)).toBe(false);
    const lock = lockFolder(data);
    expect(await isSaid(record)).toBe(true);
    expect(await isSaid({ ...record, readAt: at - 2 * hourMs })).toBe(true);
    expect(await isSaid({ ...record, readAt: at - hourMs })).toBe(false);
    expect(await isSaid({ ...record, startedAt: at - hourMs })).toBe(false);
    expect(await isSaid({ ...record, pollMs: undefined })).toBe(false);
    expect(await isSaid({ ...record, at: at - hourMs })).toBe(false);
    lock.release();
  });
});
