import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publishFolder } from '../../src/adapters/publish-folder.js';
import { Bug, StoreError } from '../../src/base/errors.js';

let parent: string;
beforeEach(() => (parent = mkdtempSync(path.join(tmpdir(), 'mm-publish-'))));
afterEach(() => rmSync(parent, { recursive: true }));

describe('a folder for a web server', () => {
  it('holds what was published last, readable by everybody, and keeps files of others', () => {
    const folder = path.join(parent, 'www');
    const { publish } = publishFolder(folder);
    publish(new Map([['mixmailer-network.txt', 'one'], ['mixmailer-diff-a.txt', 'a']])); // prettier-ignore
    writeFileSync(path.join(folder, 'index.html'), 'mine');
    writeFileSync(path.join(folder, '.mixmailer-network.txt.tmp'), 'half of it, left by a crash');
    publish(new Map([['mixmailer-network.txt', 'two'], ['mixmailer-diff-b.txt', 'b']])); // prettier-ignore
    expect(readdirSync(folder).toSorted()).toEqual(['index.html', 'mixmailer-diff-b.txt', 'mixmailer-network.txt']);
    expect(readFileSync(path.join(folder, 'mixmailer-network.txt'), 'utf8')).toBe('two');
    expect(statSync(path.join(folder, 'mixmailer-network.txt')).mode & 0o444).toBe(0o444);
  });

  it('says that the folder can’t be written to, and refuses names that lead elsewhere', () => {
    writeFileSync(path.join(parent, 'file'), '');
    expect(() => publishFolder(path.join(parent, 'file')).publish(new Map())).toThrow(StoreError);
    expect(() => publishFolder(parent).publish(new Map([['../x', '']]))).toThrow(Bug);
    expect(() => publishFolder(parent).publish(new Map([['index.html', '']]))).toThrow(Bug);
  });
});
