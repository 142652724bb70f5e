import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemRng } from '../../src/adapters/system.js';
import { tokenFrom } from '../../src/adapters/token-file.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-token-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('the token mail programs log in with', () => {
  it('is made once, for its owner only', () => {
    const file = path.join(folder, 'data', 'submission.token');
    const token = tokenFrom(file, systemRng);
    expect(token).toMatch(/^[0-9a-f]{32}$/);
    expect(tokenFrom(file, systemRng)).toBe(token);
    expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  });

  it('may be one’s own choice, but not readable by others, nor nothing', () => {
    const file = path.join(folder, 'token');
    writeFileSync(file, ' correct horse \n', { mode: 0o600 });
    expect(tokenFrom(file, systemRng)).toBe('correct horse');
    chmodSync(file, 0o644);
    expect(() => tokenFrom(file, systemRng)).toThrow(/chmod/);
    writeFileSync(file, '\n');
    chmodSync(file, 0o600);
    expect(() => tokenFrom(file, systemRng)).toThrow(/empty file/);
  });
});
