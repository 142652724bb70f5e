import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, SubmissionError } from '../../src/base/errors.js';
import { MixClient } from '../../src/mix-client.js';
import { mixTransport } from '../../src/mix-transport.js';
import { letterOf } from '../node/packets.js';
import { clientFolder } from './folder.js';

const folders: string[] = [];
const fresh = () => {
  const made = clientFolder();
  folders.push(made.folder);
  return made;
};

let letter: Uint8Array;
beforeAll(async () => {
  letter = await letterOf();
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe('a client in a program', () => {
  it('keeps what it took over its end, and knows a mail again', async () => {
    const options = fresh();
    const recipients = ['bob@friend.test', 'carol@friend.test'];
    const first = await MixClient.open(options);
    const taken = await first.submit({ raw: letter, recipients });
    expect(taken.map(({ recipient }) => recipient)).toEqual(recipients);
    expect(await first.submit({ raw: letter, recipients })).toEqual(taken);
    await first.close();
    const second = await MixClient.open(options);
    expect(await second.submit({ raw: letter, recipients })).toEqual(taken);
    expect(second.messages()).toMatchObject(taken.map((one) => ({ ...one, state: 'waiting', sendings: 0 })));
    await second.close();
  });

  it('is alone on its folder, and one of several in its process', async () => {
    const [here, there] = [fresh(), fresh()];
    const clients = await Promise.all([here, there].map((options) => MixClient.open(options)));
    await expect(MixClient.open(here)).rejects.toMatchObject({ code: 'store/locked' });
    await clients[0]?.submit({ raw: letter, recipients: ['bob@friend.test'] });
    expect(clients.map((client) => client.messages().length)).toEqual([1, 0]);
    await Promise.all(clients.map((client) => client.close()));
  });

  it('refuses what it can’t send, in words, and keeps nothing of it', async () => {
    const client = await MixClient.open(fresh());
    const clear = new TextEncoder().encode('Subject: hi\r\n\r\nin clear\r\n');
    await expect(client.submit({ raw: clear, recipients: ['bob@friend.test'] })).rejects.toThrow(SubmissionError);
    await expect(client.submit({ raw: letter, recipients: ['bob@friend.test', 'root'] })).rejects.toMatchObject({
      code: 'submission/bad-recipient',
    });
    expect(client.messages()).toEqual([]);
    await client.close();
  });

  it('is not opened with settings that are wrong, and leaves the folder free', async () => {
    const { settings, folder } = fresh();
    const wrong = { ...settings, client: { pace: { minutes: -1 } } };
    await expect(MixClient.open({ settings: wrong, folder })).rejects.toThrow(ConfigError);
    const nowhere = { ...settings, network: { list: 'none.txt', authorities: settings.network?.authorities ?? [] } };
    await expect(MixClient.open({ settings: nowhere, folder })).rejects.toThrow('none.txt');
    const deaf = { ...settings, client: { receipts: false } };
    await expect(MixClient.open({ settings: deaf, folder, onReply: () => Promise.resolve() })).rejects.toThrow(
      'client.receipts: expected true for a program that takes replies, got false (in the settings)',
    );
    await (await MixClient.open({ settings, folder })).close();
  });

  it('leaves the folder free also where it can’t use the database', async () => {
    const { settings, folder } = fresh();
    const file = path.join(folder, 'data', 'mixmailer.db');
    mkdirSync(path.dirname(file), { mode: 0o700 });
    writeFileSync(
      file,
      'This is no database, and a little longer than the head of one: a hundred bytes and some more.',
    );
    await expect(MixClient.open({ settings, folder })).rejects.toMatchObject({ code: 'store/open' });
    rmSync(file);
    await (await MixClient.open({ settings, folder })).close();
  });
});

describe('a transport with a client of its own', () => {
  it('is there at once, and lets go of the folder at its end', async () => {
    const options = fresh();
    const transport = mixTransport(options);
    const transporter = createTransport(transport);
    expect(await transporter.verify()).toBe(true);
    const { ids } = await transporter.sendMail({ raw: Buffer.from(letter), envelope: { to: ['bob@friend.test'] } });
    await expect(transporter.sendMail({ to: 'bob@friend.test', text: 'in clear' })).rejects.toThrow(SubmissionError);
    await transport.close();
    await expect(transporter.sendMail({ to: 'bob@friend.test', text: 'x' })).rejects.toThrow('The client is closed');
    const client = await MixClient.open(options);
    expect(client.messages()).toMatchObject(ids);
    await client.close();
  });
});
