import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { register as registerDescriptor } from '../../src/cli/descriptor.js';
import { register as registerKeygen } from '../../src/cli/keygen.js';
import { register } from '../../src/cli/network.js';
import { readNetwork } from '../../src/route/network.js';
import { type Ran, run, testFolder, writeNodeConfig } from './run.js';

const folder = testFolder();
const at = (name: string): string => join(folder, name);
const names = ['alice', 'bob', 'carol'];
const descriptors = names.map((name) => at(`${name}.txt`));
let ann = '';
let ben = '';

const authority = async (name: string): Promise<string> => {
  const { out } = await run(registerKeygen, 'keygen', '--authority', at(`${name}.key`));
  return out.trim().replace('authority ', '');
};
const sign = (...argv: readonly string[]): Promise<Ran> => run(register, 'network', 'sign', '--authority', ...argv);
const verify = (...argv: readonly string[]): Promise<Ran> => run(register, 'network', 'verify', ...argv);

beforeAll(async () => {
  for (const name of names)
    await run(registerDescriptor, 'descriptor', '--config', writeNodeConfig(folder, name), '--out', at(`${name}.txt`));
  [ann, ben] = [await authority('ann'), await authority('ben')];
  await sign(at('ann.key'), '--out', at('list.txt'), '--days', '2', ...descriptors);
});

describe('mixmailer network', () => {
  it('goes from keys to a list that two authorities signed and a client accepts', async () => {
    const lone = await verify('--list', at('list.txt'), '--authority-key', ann, ben);
    expect(lone.exitCode).toBe(1);
    expect(lone.err).toContain(
      `not valid: the network list has 1 valid signatures of the 2 needed (2 authorities); missing: ${ben}`,
    );
    expect(lone.out).toContain(`signed by         ${ann}\nno signature of   ${ben}\n`);

    const cosigned = await sign(at('ben.key'), '--list', at('list.txt'), '--out', at('both.txt'));
    expect(cosigned.out).toContain('list of 3 nodes');
    const both = await verify('--list', at('both.txt'), '--authority-key', ann, ben, '--threshold', '2');
    expect(both).toMatchObject({ exitCode: 0, err: '' });
    expect(both.out).toContain('valid: 2 of 2 authorities signed, 2 are needed');
    const network = readNetwork(
      readFileSync(at('both.txt'), 'utf8'),
      { authorities: [ann, ben], threshold: 2 },
      Date.now(),
    );
    expect(network.nodes.map(({ name }) => name)).toEqual(names);
    expect(network.validUntil - network.validFrom).toBe(2 * 86_400_000);
    for (const node of network.nodes) expect(both.out).toContain(`${node.name.padEnd(5)}  mix+exit  ${node.provider}`);
  });

  it('verifies what a configuration names', async () => {
    const section = `[network]\nlist = "list.txt"\nauthorities = ["${ann}"]\n`;
    const config = writeNodeConfig(folder, 'dora', section);
    expect((await verify('--config', config)).exitCode).toBe(0);
  });

  it('names signatures that do not count', async () => {
    const result = await verify('--list', at('list.txt'), '--authority-key', ben);
    expect(result.exitCode).toBe(1);
    expect(result.out).toContain(`stranger          ${ann} (not an authority here: not checked, does not count)`);
  });

  it('refuses a list that was changed, whichever line', async () => {
    const text = readFileSync(at('list.txt'), 'utf8');
    for (const [from, to] of [
      ['path-length 3', 'path-length 1'],
      ['mix@bob.example', 'mix@mallory.example'],
      ['end mixmailer-network', ''],
    ] as const) {
      expect(text).toContain(from);
      writeFileSync(at('changed.txt'), text.replace(from, to));
      const result = await verify('--list', at('changed.txt'), '--authority-key', ann);
      expect(result.exitCode).toBe(1);
      expect(result.err).toMatch(/^not valid: /);
    }
  });

  it('takes parameters, and names the list before', async () => {
    const argv = [
      '--previous',
      at('list.txt'),
      '--path-length',
      '4',
      '--mix-schedule',
      '*/5 * * * *',
      '--pool-rate',
      '0.5',
    ];
    const { out } = await sign(at('ann.key'), '--out', at('next.txt'), ...argv, ...descriptors);
    expect(out).toContain('paths of 4 hops; pools flushed at */5 * * * *, 2 packets stay, rate 0.5');
    const trust = { authorities: [ann], threshold: 1 };
    const before = readNetwork(readFileSync(at('list.txt'), 'utf8'), trust, Date.now());
    const next = readNetwork(readFileSync(at('next.txt'), 'utf8'), trust, Date.now());
    expect(next.previous).toBe(before.digest);
    expect(next.parameters).toMatchObject({
      pathLength: 4,
      mixSchedule: '*/5 * * * *',
      strategy: { kind: 'pool', minimum: 2, rate: 0.5 },
    });
  });

  it('notes nodes whose keys end before the list does', async () => {
    const { out } = await sign(at('ann.key'), '--out', at('long.txt'), '--days', '60', ...descriptors);
    expect(out).toContain('note: the mix keys of bob end before the list does');
  });

  it('says which file is wrong', async () => {
    writeFileSync(at('bad.txt'), readFileSync(at('bob.txt'), 'utf8').replace('name bob', 'name rob'));
    const out = ['--out', at('none.txt')];
    await expect(sign(at('ann.key'), ...out, at('alice.txt'), at('bad.txt'))).rejects.toThrow(
      /bad\.txt: the node's signature does not fit/,
    );
    await expect(sign(at('ann.key'), ...out, at('alice.txt'), at('alice.txt'))).rejects.toThrow(
      'same node: alice and alice',
    );
    await expect(sign(at('ann.key'), ...out, at('missing.txt'))).rejects.toThrow(
      /missing\.txt: can't be read \(ENOENT\)/,
    );
    await expect(sign(at('none.key'), ...out, at('alice.txt'))).rejects.toThrow('no such file');
    await expect(sign(at('ann.key'), ...out)).rejects.toThrow('either descriptors for a new list or --list');
    await expect(verify('--list', at('list.txt'))).rejects.toThrow('expected --config, or --list and --authority-key');
  });

  it.each([
    ['--days', '0'],
    ['--days', 'week'],
    ['--path-length', '6'],
    ['--path-length', '2.5'],
    ['--pool-rate', '2'],
  ])('refuses %s %s', async (option, value) => {
    const { exitCode, err } = await sign(at('ann.key'), '--out', at('none.txt'), option, value, at('alice.txt'));
    expect(exitCode).toBe(1);
    expect(err).toContain('expected a');
  });

  it('does not cosign a list that is over', async () => {
    await sign(at('ann.key'), '--out', at('over.txt'), '--days', '0.01', ...descriptors);
    const { now } = Date;
    Date.now = () => now() + 86_400_000;
    try {
      await expect(sign(at('ben.key'), '--list', at('over.txt'), '--out', at('none.txt'))).rejects.toThrow(
        'was valid until',
      );
    } finally {
      Date.now = now;
    }
  });
});
