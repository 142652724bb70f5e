import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/adapters/sqlite.js';
import { ConfigError, StoreError } from '../../src/base/errors.js';
import { register as registerKeygen } from '../../src/cli/keygen.js';
import { register } from '../../src/cli/keys.js';
import { composeNode } from '../../src/compose.js';
import { loadConfig } from '../../src/config.js';
import { run, testFolder, writeNodeConfig } from './run.js';

const folder = testFolder();
const withPassphrase = (name: string, how: string): string => {
  const file = writeNodeConfig(folder, name);
  writeFileSync(file, readFileSync(file, 'utf8').replace('[mail]', `[keys]\n${how}\n[mail]`));
  return file;
};
const texts = (name: string): readonly string[] =>
  readdirSync(join(folder, `data-${name}`))
    .filter((one) => one.endsWith('.key'))
    .map((one) => readFileSync(join(folder, `data-${name}`, one), 'utf8'));

describe('mixmailer keys', () => {
  it('seals the keys of a node that is there, which is the same node then, and unseals them', async () => {
    writeFileSync(join(folder, 'passphrase'), 'correct horse\n', { mode: 0o600 });
    const plain = writeNodeConfig(folder, 'alice');
    const { out: node } = await run(registerKeygen, 'keygen', '--config', plain);
    const before = texts('alice');
    const sealed = withPassphrase('alice', 'passphraseFile = "passphrase"');
    await expect(run(registerKeygen, 'keygen', '--config', sealed)).rejects.toThrow(
      `is not sealed, and [keys] has a passphrase; run: mixmailer keys seal --config '${sealed}'`,
    );
    expect((await run(register, 'keys', 'seal', '--config', sealed)).out).toBe('sealed 3 keys\n');
    expect((await run(register, 'keys', 'seal', '--config', sealed)).out).toBe('sealed 0 keys, 3 sealed before\n');
    for (const text of texts('alice')) expect(text).toMatch(/^mixmailer-sealed 1\nscrypt 17 8 1 /);
    expect((await run(registerKeygen, 'keygen', '--config', sealed)).out).toBe(node);
    writeFileSync(join(folder, 'passphrase'), 'wrong horse\n');
    await expect(run(registerKeygen, 'keygen', '--config', sealed)).rejects.toThrow(ConfigError);
    await expect(run(register, 'keys', 'unseal', '--config', sealed)).rejects.toThrow('does not open');
    writeFileSync(join(folder, 'passphrase'), 'correct horse\n');
    expect((await run(register, 'keys', 'unseal', '--config', sealed)).out).toContain('unsealed 3 keys: remove [keys]');
    expect(texts('alice')).toEqual(before);
  });

  it('leaves the keys of a running node alone, and wants a passphrase', async () => {
    const file = withPassphrase('bob', 'passphraseCommand = "echo word; echo more"');
    await run(registerKeygen, 'keygen', '--config', file);
    const lock = lockFolder(join(folder, 'data-bob'));
    await expect(run(register, 'keys', 'unseal', '--config', file)).rejects.toThrow(StoreError);
    lock.release();
    const plain = writeNodeConfig(folder, 'bob');
    await expect(run(register, 'keys', 'unseal', '--config', plain)).rejects.toThrow(
      'expected a section with a passphrase',
    );
    expect(() => composeNode(loadConfig(plain))).toThrow(ConfigError);
  });

  it.each([
    ['passphraseCommand = "exit 3"', 'keys.passphraseCommand: the command ended with exit code 3'],
    ['passphraseCommand = "true"', 'keys.passphraseCommand: expected a secret in the first line'],
    ['passphraseEnv = "MM_NOT_SET"', 'keys.passphraseEnv: the environment variable MM_NOT_SET is not set'],
    ['passphraseFile = "none"', 'keys.passphraseFile: '],
    ['passphraseFile = "$CREDENTIALS_DIRECTORY/keys"', 'the environment variable CREDENTIALS_DIRECTORY is not set'],
  ])('says why there is no passphrase: %s', async (how, why) => {
    const file = withPassphrase('carol', how);
    await expect(run(registerKeygen, 'keygen', '--config', file)).rejects.toThrow(why);
    expect(texts('carol')).toEqual([]);
  });

  it('takes the passphrase from a credential of systemd', async () => {
    process.env['CREDENTIALS_DIRECTORY'] = folder;
    try {
      writeFileSync(join(folder, 'cred'), 'word\n', { mode: 0o440 });
      const file = withPassphrase('dora', 'passphraseFile = "$CREDENTIALS_DIRECTORY/cred"');
      await run(registerKeygen, 'keygen', '--config', file);
      expect(texts('dora')[0]).toContain('mixmailer-sealed 1');
    } finally {
      delete process.env['CREDENTIALS_DIRECTORY'];
    }
  });
});
