import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { ConfigError, RouteError } from '../../src/base/errors.js';
import { configFrom, loadConfig } from '../../src/config.js';
import { parseInvitation } from '../../src/council/invitation.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { isAutomaticAnswer, readIncoming, replyContent } from '../../src/message/incoming.js';
import { readDescriptor, signDescriptor } from '../../src/route/descriptor.js';
import { readDocument, signDocument } from '../../src/route/document.js';
import { defaultNetworkParameters, readNetwork, signNetwork } from '../../src/route/network.js';
import { publicKeyOf } from '../../src/route/document.js';
import { mailOf } from '../message/pep-mail.js';
import { mailWith } from '../node/sender.js';
import { draftOf, now, secretOf, signedNode } from '../route/nodes.js';

// Whoever writes names of keys, fields, headers or nodes writes those that every object of JavaScript has already.

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];

const folder = mkdtempSync(join(tmpdir(), 'mm-prototype-'));
afterAll(() => rmSync(folder, { recursive: true }));

const everyones = [Object.prototype, Function.prototype, Array.prototype, Uint8Array.prototype, Map.prototype, Object];
/** Names and values of all that every object, function, array, byte string and map has. */
const picture = (): unknown =>
  everyones.map((one) =>
    Reflect.ownKeys(one).map((key) => [key, JSON.stringify(Object.getOwnPropertyDescriptor(one, key))]),
  );
const clean = picture();
afterEach(() => {
  expect(picture()).toEqual(clean);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

const outcomeOf = async (work: () => unknown): Promise<unknown> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConfigError || error instanceof RouteError) return `${error.code}: ${error.message}`;
    throw error;
  }
};

/** What an operator reads. */
const wordsOf = async (outcome: Promise<unknown>): Promise<string> => {
  const said = await outcome;
  return typeof said === 'string' ? said : 'accepted';
};

describe('a configuration', () => {
  const sections = {
    '': 'data = "data"\n',
    mail: '[mail]\naddress = "a@b.test"\n',
    'mail.imap': '[mail.imap]\nhost = "imap.b.test"\npasswordEnv = "X"\n',
    'mail.smtp': '[mail.smtp]\nhost = "smtp.b.test"\n',
    node: '[node]\nname = "one"\n',
    'node.mix.pool': '[node.mix.pool]\n',
  };
  const load = (text: string): Promise<unknown> => {
    const file = join(folder, 'node.toml');
    writeFileSync(file, text, { mode: 0o600 });
    return outcomeOf(() => loadConfig(file));
  };
  const good = Object.values(sections).join('');

  it('refuses such keys in each of its tables like any other that it does not know', async () => {
    const values = ['1', '{ host = "evil.test", polluted = 1 }', '"x"'];
    for (const table of Object.keys(sections))
      for (const [i, name] of [...names, 'unheardOf'].entries()) {
        const line = `"${name}" = ${values[i % values.length] ?? ''}\n`;
        const text = Object.entries(sections).map(([each, own]) => (each === table ? own + line : own));
        const key = [table, name].filter((part) => part !== '').join('.');
        expect(await wordsOf(load(text.join('')))).toMatch(
          new RegExp(`${key}: unknown key|${key}.*can't be read|redefine`),
        );
      }
  });

  it('is not changed by tables of such names', async () => {
    const read = await load(good);
    expect(read).toMatchObject({ node: { name: 'one' } });
    for (const head of [
      '[__proto__]',
      '[constructor.prototype]',
      '[node.__proto__]',
      '[[__proto__.x]]',
      '[mail.imap.constructor]',
    ]) {
      expect(await wordsOf(load(`${good}${head}\npolluted = true\n`))).toMatch(/unknown key|can't be read/);
      expect(await load(good)).toEqual(read);
    }
  });

  it('that a program gives is checked in the same way, as JSON brings it', async () => {
    const settings = {
      data: 'data',
      mail: { address: 'a@b.test', smtp: { host: 'smtp.b.test', passwordEnv: 'X' } },
      client: { receipts: false },
    };
    const text = JSON.stringify(settings);
    const read = await outcomeOf(() => configFrom(JSON.parse(text) as typeof settings, folder));
    expect(read).toMatchObject({ mail: { address: 'a@b.test' } });
    for (const name of names)
      for (const poisoned of [
        text.replace('{', `{"${name}":{"client":{}},`),
        text.replace('"smtp":{', `"smtp":{"${name}":{"user":"eve"},`),
      ]) {
        const other = await outcomeOf(() => configFrom(JSON.parse(poisoned) as typeof settings, folder));
        // Refused, or as if it were not there.
        expect(typeof other === 'string' ? 'refused' : other).toEqual(typeof other === 'string' ? 'refused' : read);
      }
  });
});

describe('documents of the directory', () => {
  const fieldsOf = (text: string): string[] =>
    text
      .slice(text.indexOf('\n') + 1, text.indexOf('signature'))
      .trimEnd()
      .split('\n');

  it('with fields of such names are read as without them, or not at all', async () => {
    const plain = readDescriptor(signedNode('alice'));
    for (const name of names) {
      const text = signDocument(
        'descriptor',
        [...fieldsOf(signedNode('alice')), `${name} polluted 1`],
        secretOf('alice'),
      );
      const read = await outcomeOf(() => ({ ...readDescriptor(text), text: '' }));
      // A keyword has lower-case letters and hyphens only.
      expect(read).toEqual(
        /[_A-Z]/.test(name) ? expect.stringMatching(/^route\/bad-document/) : { ...plain, text: '' },
      );
    }
  });

  it('with nodes of such names, at such addresses, in such roles, are refused or hold just them', async () => {
    const secret = secretOf('authority');
    const trust = { authorities: [publicKeyOf(secret)], threshold: 1 };
    for (const name of names) {
      const node = signDescriptor(
        draftOf('alice', { address: `${name.replaceAll('_', '')}@alice.example` }),
        secretOf('alice'),
      );
      const roles = signDocument(
        'descriptor',
        fieldsOf(node).map((line) => line.replace(/^roles? .*/, `roles mix ${name}`)),
        secretOf('alice'),
      );
      const read = await outcomeOf(() => readDescriptor(roles).roles);
      expect(read === 'route/bad-document' || JSON.stringify(read)).toMatch(/bad-document|^\["mix"/);
      const list = signNetwork(
        { validFrom: now, validUntil: now + 1000, parameters: defaultNetworkParameters, descriptors: [node] },
        secret,
      );
      const network = readNetwork(list, trust, now);
      expect([...network.byId.keys()]).toEqual([network.nodes[0]?.nodeId]);
      expect(network.byId.get(name as never)).toBeUndefined();
      expect(network.standings.get(name as never)).toBeUndefined();
    }
  });

  it('of such kinds are none, and invitations neither', async () => {
    for (const name of names) {
      const text = signDocument(name, ['a b'], secretOf('alice'));
      expect(await outcomeOf(() => readDescriptor(text))).toMatch(/^route\/bad-document/);
      expect(readDocument(name, text, 10_000).fields).toHaveLength(1);
      expect(await outcomeOf(() => parseInvitation(`mixmailer:${name}?${name}=1&__proto__[x]=1`))).toMatch(
        /^(?:route|config)\//,
      );
    }
  });
});

describe('a mail', () => {
  const fields = names.map((name) => `${name}: polluted`).join('\n');
  const parameters = names.flatMap((name) => [
    `${name}=x`,
    `${name}*0=x`,
    `${name}*0*=utf-8''x`,
    `${name}*=utf-8''x`,
    `${name}*charset=x`,
  ]);

  it('with header fields of such names is taken apart as one without them', async () => {
    const mail = (head: string): Uint8Array => mailOf(`${head}To: bob@b.test\nContent-Type: text/plain\n\nhello\n`);
    const plain = await parseMail(mail(''));
    expect(await parseMail(mail(`${fields}\n`))).toEqual(plain);
    const head = readHead(mail(`${fields}\n`));
    for (const name of names) {
      expect(valuesOf(head, name.toLowerCase())).toEqual(['polluted']);
      expect(valuesOf(readHead(mail('')), name.toLowerCase())).toEqual([]);
    }
    expect(isAutomaticAnswer(head)).toBe(false);
    expect(readIncoming(head, 'exit@x.test')).toEqual({ kind: 'other' });
    expect(replyContent(mail(`${fields}\n`))).toEqual(replyContent(mail('')));
  });

  it('with parameters of such names has these, and nothing else has', async () => {
    for (const one of parameters) {
      const mail = mailOf(
        `Content-Type: multipart/mixed; boundary=b; ${one}\nContent-Disposition: inline; ${one}\n\n--b\nContent-Type: text/plain; ${one}\n\nx\n--b--\n`,
      );
      const { contentType, contentTypeParameters, parts } = await parseMail(mail);
      expect([contentType, contentTypeParameters.get('boundary'), parts.length]).toEqual(['multipart/mixed', 'b', 1]);
      expect(contentTypeParameters.size).toBe(2);
      expect({}).not.toHaveProperty('charset');
      expect({}).not.toHaveProperty('polluted');
    }
  });

  it('to recipients of such names goes to them', async () => {
    const mail = mailWith({ To: names.map((name) => `${name} <${name}@b.test>`).join(', ') }, 'x');
    expect((await parseMail(mail)).recipients).toEqual(names.map((name) => `${name}@b.test`));
  });
});

describe('a database', () => {
  it('keeps notes and cursors of such names like others, and no such thing is there before', () => {
    const store = sqliteMixStore(':memory:');
    for (const name of names) {
      expect(store.note(name)).toBeUndefined();
      expect(store.cursor(name)).toBeUndefined();
      store.setNote(name, '{"__proto__":{"polluted":1}}');
      store.setCursor(name, { uidValidity: '1', uid: 2 });
      expect(store.note(name)).toBe('{"__proto__":{"polluted":1}}');
      expect(store.cursor(name)).toEqual({ uidValidity: '1', uid: 2 });
    }
    store.close();
  });
});
