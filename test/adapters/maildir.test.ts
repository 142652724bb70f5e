import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maildir } from '../../src/adapters/maildir.js';
import { ascii } from '../../src/base/bytes.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-maildir-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const at = (...names: readonly string[]): string => path.join(folder, 'mail', 'mix', ...names);
const filesIn = (name: string): readonly string[] => readdirSync(at(name));

const mail = { raw: ascii('Subject: one\r\n\r\na\rb\r\n') };
const another = { raw: ascii('Subject: two\r\n\r\n') };

describe('a Maildir', () => {
  it('is made at first use for its owner only, and gets the mail with the line ends of this machine', async () => {
    await maildir(at())(mail);
    const [name = '', ...more] = filesIn('new');
    expect(more).toEqual([]);
    expect(readFileSync(at('new', name), 'latin1')).toBe('Subject: one\n\na\rb\n');
    expect([filesIn('tmp'), filesIn('cur')]).toEqual([[], []]);
    for (const made of [at(), at('new')]) expect(statSync(made).mode & 0o777).toBe(0o700);
    expect(statSync(at('new', name)).mode & 0o777).toBe(0o600);
  });

  it('has a mail once, also when a mail program has taken it meanwhile; other mails beside it', async () => {
    const deliver = maildir(at());
    await deliver(mail);
    await deliver(mail);
    expect(filesIn('new')).toHaveLength(1);
    const [name = ''] = filesIn('new');
    renameSync(at('new', name), at('cur', `${name}:2,S`));
    await deliver(mail);
    await deliver(another);
    expect([filesIn('new').length, filesIn('cur').length]).toEqual([1, 1]);
  });

  it('gets the whole of a mail whose writing was cut off', async () => {
    mkdirSync(at('tmp'), { recursive: true });
    await maildir(at())(mail);
    const [name = ''] = filesIn('new');
    renameSync(at('new', name), at('tmp', name));
    writeFileSync(at('tmp', name), 'Subject: and then the power was cut, in a longer text than the mail has');
    await maildir(at())(mail);
    expect(readFileSync(at('new', name), 'latin1')).toBe('Subject: one\n\na\rb\n');
    expect(filesIn('tmp')).toEqual([]);
  });

  it('that can’t be written is a StoreError', async () => {
    writeFileSync(path.join(folder, 'mail'), '');
    await expect(maildir(at())(mail)).rejects.toMatchObject({ code: 'store/write' });
  });
});
