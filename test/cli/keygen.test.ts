import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSecretKey } from '../../src/adapters/file-keys.js';
import { ConfigError } from '../../src/base/errors.js';
import { register } from '../../src/cli/keygen.js';
import { publicKeyOf } from '../../src/route/document.js';
import { run, testFolder, writeNodeConfig } from './run.js';

const folder = testFolder();

describe('mixmailer keygen', () => {
  it('makes identity and mix keys of a node and prints their names, the same when run again', async () => {
    const config = writeNodeConfig(folder, 'alice');
    const first = await run(register, 'keygen', '--config', config);
    expect(first.out).toMatch(
      /^node [0-9a-f]{64}\nmix key [0-9a-f]{32}, used from .* UTC\nmix key [0-9a-f]{32}, .*\n$/,
    );
    expect((await run(register, 'keygen', '--config', config)).out).toBe(first.out);
    const data = join(folder, 'data-alice');
    expect(readdirSync(data)).toHaveLength(3);
    expect(`node ${publicKeyOf(readSecretKey(join(data, 'identity.key')))}`).toBe(first.out.split('\n')[0]);
    expect(first.out).not.toContain(readFileSync(join(data, 'identity.key'), 'utf8').trim());
  });

  it('makes the key of an authority for its owner only, and never replaces one', async () => {
    const file = join(folder, 'authority.key');
    const { out } = await run(register, 'keygen', '--authority', file);
    expect(out).toBe(`authority ${publicKeyOf(readSecretKey(file))}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = readFileSync(file, 'utf8');
    await expect(run(register, 'keygen', '--authority', file)).rejects.toThrow('is there already');
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('wants to know for whom', async () => {
    await expect(run(register, 'keygen')).rejects.toThrow(ConfigError);
    await expect(run(register, 'keygen', '--config', 'a', '--authority', 'b')).rejects.toThrow('either --config or');
  });
});
