import type * as nodeFs from 'node:fs';
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { destroyFile } from '../../src/adapters/owner-only.js';
import { mib } from '../../src/base/units.js';

type Write = (file: number, bytes: Uint8Array, offset: number, length: number) => number;

// What the disk does with a write; usually all of it.
const disk = vi.hoisted(() => ({
  write: undefined as ((write: Write, ...args: Parameters<Write>) => number) | undefined,
}));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof nodeFs>();
  const write = fs.writeSync as Write;
  return {
    ...fs,
    writeSync: (...args: Parameters<Write>) => (disk.write ?? ((real, ...rest) => real(...rest)))(write, ...args),
  };
});

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-owner-'))));
afterEach(() => {
  disk.write = undefined;
  rmSync(folder, { recursive: true });
});

describe('a file that is destroyed', () => {
  it('is written over to its last byte, however little the disk takes at once', () => {
    const [file, other] = [path.join(folder, 'secret'), path.join(folder, 'second name')];
    writeFileSync(file, 'secret'.repeat(1000));
    linkSync(file, other);
    disk.write = (write, ...[to, bytes, offset, length]) => write(to, bytes, offset, Math.min(length, 700));
    destroyFile(file);
    expect(readdirSync(folder)).toEqual(['second name']);
    expect(readFileSync(other, 'latin1')).toBe('0'.repeat(6000));
  });

  it('may be larger than any string or buffer', () => {
    const file = path.join(folder, 'database');
    const size = 600 * mib + 1;
    writeFileSync(file, '');
    truncateSync(file, size);
    const lengths: number[] = [];
    // The true disk would need seconds for it.
    disk.write = (_write, ...[, , , length]) => {
      lengths.push(length);
      return length;
    };
    destroyFile(file);
    expect(lengths.reduce((sum, length) => sum + length)).toBe(size);
    expect(Math.max(...lengths)).toBe(mib);
    expect(readdirSync(folder)).toEqual([]);
  });
});
