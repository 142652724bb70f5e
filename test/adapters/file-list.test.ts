import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listFile } from '../../src/adapters/file-list.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'list-'))));
afterEach(() => rmSync(folder, { recursive: true }));

it('is read when it is there, and again when it has changed', () => {
  const file = path.join(folder, 'list.txt');
  const list = listFile(file);
  expect(list()).toBeUndefined();
  writeFileSync(file, 'one');
  expect(list()).toBe('one');
  expect(list()).toBeUndefined();
  writeFileSync(file, 'three');
  expect(list()).toBe('three');
  rmSync(file);
  expect(list()).toBeUndefined();
  writeFileSync(file, 'three');
  expect(list()).toBe('three');
});

it('is passed over when no list is that large, or it can not be read', () => {
  const file = path.join(folder, 'list.txt');
  writeFileSync(file, '');
  truncateSync(file, 70_000_000);
  expect(listFile(file)()).toBeUndefined();
  expect(listFile(folder)()).toBeUndefined();
});
