import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { register } from '../../src/cli/descriptor.js';
import { openNodeKeys } from '../../src/node-keys.js';
import { readDescriptor } from '../../src/route/descriptor.js';
import { publicKeyOf } from '../../src/route/document.js';
import { mixKeyAt } from '../../src/route/epoch.js';
import { run, testFolder, writeNodeConfig } from './run.js';

const folder = testFolder();

describe('mixmailer descriptor', () => {
  it('prints what the configuration says, signed by the node, with the keys senders use now and next', async () => {
    const config = writeNodeConfig(folder, 'alice');
    const { out } = await run(register, 'descriptor', '--config', config);
    const descriptor = readDescriptor(out);
    const keys = openNodeKeys(loadConfig(config));
    expect(descriptor).toMatchObject({
      nodeId: publicKeyOf(keys.identity()),
      name: 'alice',
      address: 'mix@alice.example',
      provider: 'alice.example',
      roles: ['mix', 'exit'],
    });
    const offered = descriptor.mixKeys.map(({ publicKey }) => publicKey);
    expect(offered).toEqual(keys.mixKeys(Date.now()).map(({ publicKey }) => publicKey));
    expect(mixKeyAt(descriptor, Date.now())?.publicKey).toEqual(offered[0]);
    expect(mixKeyAt(descriptor, descriptor.mixKeys[0]?.notAfter ?? 0)?.publicKey).toEqual(offered[1]);
    expect(Math.abs(descriptor.publishedAt - Date.now())).toBeLessThan(60_000);
  });

  it('writes to a file when told to', async () => {
    const file = join(folder, 'bob.txt');
    const { out } = await run(register, 'descriptor', '--config', writeNodeConfig(folder, 'bob'), '--out', file);
    expect(out).toBe('');
    expect(readDescriptor(readFileSync(file, 'utf8')).name).toBe('bob');
  });

  it('of a client is refused: it has none', async () => {
    const config = writeNodeConfig(folder, 'carol').replace('carol.toml', 'client.toml');
    const node = readFileSync(config.replace('client.toml', 'carol.toml'), 'utf8');
    writeFileSync(config, node.replace(/\[node\][^]*/, '[client]\n'));
    await expect(run(register, 'descriptor', '--config', config)).rejects.toThrow('node: expected a section');
  });
});
