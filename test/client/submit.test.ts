import { beforeAll, describe, expect, it } from 'vitest';
import { decodeMessage } from '../../src/message/envelope.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeClientOptions, FakeNetwork } from '../fakes/network.js';
import { addressOfBob, letterOf } from '../node/packets.js';

let letter: string;
beforeAll(async () => {
  letter = new TextDecoder().decode(await letterOf());
});

const networkWith = (client: FakeClientOptions = {}): FakeNetwork => fakeNetwork({ nodes: 5, client });
const headed = (...fields: readonly string[]): Uint8Array =>
  new TextEncoder().encode(fields.map((field) => `${field}\r\n`).join('') + letter);

/** Reply blocks of the message that the exit gets. */
const blocksOf = async (network: FakeNetwork, raw: Uint8Array): Promise<number> => {
  const [one] = await network.client.submit(raw, [addressOfBob]);
  await network.client.turn();
  const [sending] = network.client.store.sendings(one?.id ?? expect.fail('not queued'));
  return decodeMessage(sending?.bytes ?? expect.fail('not sent')).returnAddress?.blocks.length ?? 0;
};

describe('a mail that is handed in', () => {
  it.each<[string, number, FakeClientOptions, number]>([
    ['MixMailer-Reply: yes', 8, {}, 8],
    ['mixmailer-reply:   YES ', 8, { replyBlocks: 3 }, 3],
    ['MixMailer-Reply: 1', 1, { replyBlocks: 3 }, 1],
    ['MixMailer-Reply: 64', 64, {}, 64],
    ['MixMailer-Reply: no', 0, { replyBlocks: 3 }, 0],
    ['X-Other: yes', 3, { replyBlocks: 3 }, 3],
    ['X-Other: yes', 0, {}, 0],
  ])('with %s carries %i reply blocks (configured: %o)', async (field, _blocks, options, expected) => {
    expect(await blocksOf(networkWith(options), headed(field))).toBe(expected);
  });

  it.each([
    'MixMailer-Reply: maybe',
    'MixMailer-Reply: 0',
    'MixMailer-Reply: 65',
    'MixMailer-Reply: -1',
    'MixMailer-Reply:',
  ])('with %s is refused in words', async (field) => {
    const { client } = networkWith();
    const refused = {
      code: 'submission/bad-reply-wish',
      message: expect.stringContaining('yes, no or a number') as string,
    };
    await expect(client.submit(headed(field), [addressOfBob])).rejects.toMatchObject(refused);
    expect(client.store.queuedMessages()).toEqual([]);
  });

  it('with two wishes is refused', async () => {
    const { client } = networkWith();
    const both = headed('MixMailer-Reply: no', 'MixMailer-Reply: yes');
    await expect(client.submit(both, [addressOfBob])).rejects.toMatchObject({ code: 'submission/bad-reply-wish' });
  });

  it('and asks for a return address is refused where receipts are off; the others go', async () => {
    const { client } = networkWith({ receipts: false });
    const asks = client.submit(headed('MixMailer-Reply: yes'), [addressOfBob]);
    await expect(asks).rejects.toThrow('client.receipts = false');
    expect(await client.submit(headed('MixMailer-Reply: no'), [addressOfBob])).toHaveLength(1);
  });

  it('is known by its own Message-ID if that is well-formed, which stays on this machine', async () => {
    const network = networkWith();
    const { client } = network;
    await client.submit(headed(), [addressOfBob]);
    const other = letter.replace(/^Message-ID: .*$/m, `Message-ID: ${'<x>'.replace('x', 'y'.repeat(2000))}`);
    await client.submit(new TextEncoder().encode(other), [addressOfBob]);
    expect(client.store.queuedMessages().map(({ originalMessageId }) => originalMessageId)).toEqual([
      '<pEp.0.1Z4X.7d1f@home.test>',
      undefined,
    ]);
    for (const { message } of client.store.queuedMessages())
      expect(new TextDecoder('latin1').decode(message)).not.toMatch(/pEp\.0|yyyy/);
  });

  it('has an id for each recipient, the same when it is handed in again', async () => {
    const { client } = networkWith();
    const first = await client.submit(headed(), [addressOfBob, 'carol@friend.test']);
    const again = await client.submit(headed(), ['carol@friend.test', 'dave@friend.test']);
    expect(first.map(({ recipient }) => recipient)).toEqual([addressOfBob, 'carol@friend.test']);
    expect(again[0]).toEqual(first[1]);
    expect(new Set([...first, ...again].map(({ id }) => id)).size).toBe(3);
    expect(client.store.queuedMessages()).toHaveLength(3);
  });

  it('leaves room for its return address', async () => {
    const { client } = networkWith();
    const most = new TextDecoder().decode(await letterOf(4_680_000));
    const asks = new TextEncoder().encode(`MixMailer-Reply: 64\r\n${most}`);
    await expect(client.submit(asks, [addressOfBob])).rejects.toThrow(/at most 59\d\d KiB beside its return address/);
    expect(await client.submit(new TextEncoder().encode(most), [addressOfBob])).toHaveLength(1);
  });
});
