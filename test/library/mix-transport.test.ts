import { createTransport } from 'nodemailer';
import { describe, expect, it } from 'vitest';
import { latin1 } from '../../src/base/bytes.js';
import { ConfigError, RouteError } from '../../src/base/errors.js';
import { MixClient } from '../../src/mix-client.js';
import type { ClientParts } from '../../src/mix-client.js';
import { mixTransport } from '../../src/mix-transport.js';
import { version } from '../../src/version.js';
import { movedParts } from './parts.js';

const over = (changed: Partial<ClientParts> = {}) => {
  const parts = movedParts();
  const client = new MixClient({ ...parts, ...changed });
  return { parts, client, transporter: createTransport(mixTransport(client)) };
};

describe('nodemailer over the network', () => {
  it('hands in the mail for everybody in To, Cc and Bcc, and Bcc stays out of it', async () => {
    const { parts, transporter } = over();
    const info = await transporter.sendMail({
      from: 'Alice <alice@home.test>',
      to: 'Bob <bob@friend.test>',
      cc: ['carol@friend.test'],
      bcc: 'dave@hidden.test',
      subject: 'hello',
      text: 'hello',
    });
    const recipients = ['bob@friend.test', 'carol@friend.test', 'dave@hidden.test'];
    expect(parts.taken.map((mail) => mail.recipients)).toEqual([recipients]);
    const raw = latin1(parts.taken[0]?.raw ?? expect.fail('no mail'));
    expect(raw).toMatch(/^To: Bob <bob@friend\.test>\r$/m);
    expect(raw).not.toMatch(/bcc|hidden\.test/i);
    expect(raw).toContain(`Message-ID: ${info.messageId}\r\n`);
    expect(info).toMatchObject({
      envelope: { from: 'alice@home.test', to: recipients },
      accepted: recipients,
      rejected: [],
      ids: parts.messages().map(({ id, recipient }) => ({ id, recipient })),
    });
    expect(info.ids).toHaveLength(3);
  });

  it('hands in a finished mail byte for byte, for its envelope', async () => {
    const { parts, transporter } = over();
    const raw = 'Subject: finished\r\n\r\nnothing is added\r\n';
    await transporter.sendMail({ raw, envelope: { from: 'alice@home.test', to: ['bob@friend.test'] } });
    expect(parts.taken.map((mail) => [latin1(mail.raw), mail.recipients])).toEqual([[raw, ['bob@friend.test']]]);
  });

  it('rejects with what the client says, for callbacks too', async () => {
    const refusal = new RouteError('route/no-path', 'no path leads there');
    const { transporter } = over({ submit: () => Promise.reject(refusal) });
    const mail = { to: 'bob@friend.test', text: 'hello' };
    await expect(transporter.sendMail(mail)).rejects.toBe(refusal);
    expect(await new Promise((resolve) => transporter.sendMail(mail, resolve))).toBe(refusal);
  });

  it('rejects when the mail can’t be written, and hands nothing in', async () => {
    const { parts, transporter } = over();
    const attachments = [{ path: '/nowhere/at/all' }];
    await expect(transporter.sendMail({ to: 'bob@friend.test', attachments })).rejects.toThrow('ENOENT');
    expect(parts.taken).toEqual([]);
  });

  it('says who it is and that it is ready, and leaves the client open that it was given', async () => {
    const { client, transporter } = over();
    expect(transporter.getVersionString()).toContain(`MixMailer/${version}`);
    expect(transporter.isIdle()).toBe(true);
    expect(await transporter.verify()).toBe(true);
    expect(await new Promise((resolve) => transporter.verify((error, is) => resolve([error, is])))).toEqual([
      null,
      true,
    ]);
    transporter.close();
    expect(await client.submit({ raw: new Uint8Array([1]), recipients: ['bob@friend.test'] })).toHaveLength(1);
  });

  it('with options for a client that can’t be opened says so where somebody waits, and nowhere else', async () => {
    const transport = mixTransport({ config: '/nowhere/client.toml' });
    const transporter = createTransport(transport);
    await expect(transporter.verify()).rejects.toThrow(ConfigError);
    expect(await new Promise((resolve) => transporter.verify(resolve))).toBeInstanceOf(ConfigError);
    await expect(transporter.sendMail({ to: 'bob@friend.test', text: 'hello' })).rejects.toThrow(
      "/nowhere/client.toml: the configuration file can't be read (ENOENT)",
    );
    await expect(transport.close()).resolves.toBeUndefined();
  });
});
