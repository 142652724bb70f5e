import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Bug } from '../../src/base/errors.js';
import { MixClient } from '../../src/mix-client.js';
import type { MixStatus } from '../../src/mix-client.js';
import { movedParts } from './parts.js';

const raw = new Uint8Array([1]);
const nobody = '00'.repeat(16).replace(/0$/, '7');

const clientWith = async (recipients: readonly string[] = ['bob@friend.test']) => {
  const parts = movedParts();
  const client = new MixClient(parts);
  const ids = (await client.submit({ raw, recipients })).map(({ id }) => id);
  return { parts, client, ids, first: ids[0] ?? expect.fail('no message') };
};

describe('a message of a program', () => {
  it('tells every new state, in order', async () => {
    const { parts, client } = await clientWith(['bob@friend.test', 'carol@friend.test']);
    const told: string[] = [];
    client.on('status', ({ recipient, state }) => void told.push(`${recipient} ${state}`));
    parts.move(0, { state: 'in-network' });
    parts.move(1, { state: 'in-network' });
    parts.move(0, { state: 'delivered', settledAt: 2000 });
    await once(client, 'status');
    expect(told).toEqual(['bob@friend.test in-network', 'carol@friend.test in-network', 'bob@friend.test delivered']);
    expect(client.messages().map(({ state }) => state)).toEqual(['delivered', 'in-network']);
  });

  it.each(['delivered', 'failed', 'sent'] as const)('is settled when it is %s, before or later', async (state) => {
    const { parts, client, first } = await clientWith(['bob@friend.test', 'carol@friend.test']);
    const waiting = client.settled(first);
    parts.move(0, { state: 'in-network' });
    parts.move(1, { state });
    parts.move(0, { state, settledAt: 2000 });
    expect(await waiting).toMatchObject({ id: first, state, settledAt: 2000 });
    expect(await client.settled(first)).toMatchObject({ id: first, state });
  });

  it('is waited for as long as the caller wants, and no longer than the client is open', async () => {
    const { client, first } = await clientWith();
    const impatience = new AbortController();
    const given = client.settled(first, { signal: impatience.signal });
    impatience.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await expect(client.settled(first, { signal: impatience.signal })).rejects.toThrow('enough');
    const [left] = await Promise.allSettled([client.settled(first), client.close()]);
    expect(left).toMatchObject({ status: 'rejected', reason: { code: 'client/closed' } });
  });

  it('that is not of this client is not waited for', async () => {
    const { client } = await clientWith();
    await expect(client.settled(nobody)).rejects.toMatchObject({ code: 'client/unknown-message' });
  });
});

describe('a client that is opened', () => {
  it('does nothing before its program has it: what it brings at once may be answered through it', async () => {
    const parts = movedParts();
    const told: boolean[] = [];
    let client: MixClient | undefined = undefined;
    const run: (typeof parts)['run'] = (onStatus, signal) => {
      told.push(client !== undefined);
      return parts.run(onStatus, signal);
    };
    client = new MixClient({ ...parts, run });
    await client.submit({ raw, recipients: ['bob@friend.test'] });
    expect(told).toEqual([true]);
    await client.close();
  });
});

describe('a client that is closed', () => {
  it('first finishes the mails that are being handed in, then lets go of its store', async () => {
    const { parts, client } = await clientWith();
    const letGo = parts.holdUp();
    const handingIn = client.submit({ raw, recipients: ['bob@friend.test'] });
    const closing = client.close();
    letGo();
    expect(await handingIn).toHaveLength(1);
    await closing;
    expect(parts.isClosed()).toBe(true);
  });

  it('takes nothing more, from the call on', async () => {
    const { client } = await clientWith();
    const closing = client.close();
    for (const moment of [Promise.resolve(), closing]) {
      await moment;
      await expect(client.submit({ raw, recipients: [] })).rejects.toMatchObject({ code: 'client/closed' });
      expect(() => client.messages()).toThrow('The client is closed');
    }
    await expect(client.close()).resolves.toBeUndefined();
  });

  it('is closed at the end of the block that uses it', async () => {
    const { parts, client } = await clientWith();
    await client[Symbol.asyncDispose]();
    expect(parts.isClosed()).toBe(true);
  });
});

describe('a mistake of ours', () => {
  const bug = new Bug('a path without hops');

  it('is what everybody hears who waits or asks, and closes the client', async () => {
    const { parts, client, first } = await clientWith();
    const waiting = client.settled(first);
    parts.breakWith(bug);
    await expect(waiting).rejects.toBe(bug);
    await expect(client.submit({ raw, recipients: [] })).rejects.toBe(bug);
    await expect(client.settled(first)).rejects.toBe(bug);
    expect(() => client.messages()).toThrow(bug);
    await expect(client.close()).rejects.toBe(bug);
    expect(parts.isClosed()).toBe(true);
  });

  it('is an event for who listens', async () => {
    const { parts, client } = await clientWith();
    const heard = new Promise((resolve) => client.on('error', resolve));
    parts.breakWith(bug);
    expect(await heard).toBe(bug);
  });
});

describe('what a listener throws', () => {
  it('is not taken for a failure of the client', async () => {
    const { parts, client, first } = await clientWith();
    const thrown = new Promise((resolve) => {
      const others = process.rawListeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const other of others) process.on('uncaughtException', other as NodeJS.UncaughtExceptionListener);
        resolve(error);
      });
    });
    const clumsy = new Error('of the program');
    client.on('status', (status: MixStatus) => {
      if (status.state === 'delivered') throw clumsy;
    });
    parts.move(0, { state: 'delivered' });
    expect(await thrown).toBe(clumsy);
    expect(await client.settled(first)).toMatchObject({ state: 'delivered' });
    await client.close();
  });
});
