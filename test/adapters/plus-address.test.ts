import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPlusAddress, writePlusAddress } from '../../src/adapters/plus-address.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-plus-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('whether plus addresses arrive', () => {
  it('is unknown until it was found out, and then what was found last', () => {
    const data = path.join(folder, 'data');
    expect(readPlusAddress(data)).toBe(undefined);
    for (const works of [true, false, true]) {
      writePlusAddress(data, works);
      expect(readPlusAddress(data)).toBe(works);
    }
    expect(statSync(path.join(data, 'plus-address')).mode & 0o777).toBe(0o600);
    expect(statSync(data).mode & 0o777).toBe(0o700);
  });

  it('is not taken from a file that others can change, or that says something else', () => {
    writePlusAddress(folder, true);
    const file = path.join(folder, 'plus-address');
    chmodSync(file, 0o622);
    expect(() => readPlusAddress(folder)).toThrow(/chmod/);
    chmodSync(file, 0o600);
    writeFileSync(file, 'maybe\n');
    expect(() => readPlusAddress(folder)).toThrow(/expected yes or no/);
  });
});
