import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileNetwork } from '../../src/adapters/file-network.js';
import { RouteError } from '../../src/base/errors.js';
import { hourMs } from '../../src/base/units.js';
import { publicKeyOf } from '../../src/route/document.js';
import { signNetwork } from '../../src/route/network.js';
import { fakeNetwork } from '../fakes/network.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-list-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const { network } = fakeNetwork();
const authority = new Uint8Array(32).fill(9);
const trust = { authorities: [publicKeyOf(authority)], threshold: 1 };
const from = network.validFrom;
const list = (validUntil: number, key = authority): string =>
  signNetwork(
    {
      validFrom: from,
      validUntil,
      parameters: network.parameters,
      descriptors: network.nodes.map(({ text }) => text),
    },
    key,
  );

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof RouteError ? error.code : expect.fail('not a RouteError');
  }
};

describe('the network list in a file', () => {
  it('is taken anew when it is replaced, and never kept in place of one that can’t be trusted', () => {
    const file = path.join(folder, 'network.txt');
    const replace = (text: string): void => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    };
    const directory = fileNetwork(file, trust);
    const at = from + hourMs / 2;
    expect(codeOf(() => directory.network(at))).toBe('route/bad-document');
    replace(list(from + hourMs));
    expect(directory.network(at).validUntil).toBe(from + hourMs);
    replace(list(from + 2 * hourMs, new Uint8Array(32).fill(8)));
    expect(codeOf(() => directory.network(at))).toBe('route/too-few-signatures');
    replace('half a li');
    expect(codeOf(() => directory.network(at))).toBe('route/bad-document');
    replace(list(from + 3 * hourMs));
    expect(directory.network(at).validUntil).toBe(from + 3 * hourMs);
    rmSync(file);
    expect(codeOf(() => directory.network(at))).toBe('route/bad-document');
  });

  it('holds in its time only, and is read once for all answers', () => {
    const file = path.join(folder, 'network.txt');
    const text = list(from + hourMs);
    writeFileSync(file, text);
    const directory = fileNetwork(file, trust);
    expect(codeOf(() => directory.network(from - 1))).toBe('route/not-yet-valid');
    // The same to everyone who asks only whether the file is another one.
    const { atime, mtime } = statSync(file);
    utimesSync(file, atime, mtime);
    directory.network(from);
    writeFileSync(file, 'x'.repeat(text.length));
    utimesSync(file, atime, mtime);
    expect(directory.network(from).validUntil).toBe(from + hourMs);
    expect(codeOf(() => directory.network(from + hourMs))).toBe('route/expired');
    expect(codeOf(() => directory.network(from + hourMs))).toBe('route/expired');
    expect(directory.network(from + hourMs - 1).nodes).toHaveLength(network.nodes.length);
  });
});
