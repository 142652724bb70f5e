import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { placesOf, switchedOff, switchOff } from './switch-off.js';
import { switches } from './switches.js';

describe('the table of countermeasures', () => {
  it.each(switches.map((entry) => [entry.name, entry] as const))('%s: has one place in the program', (_name, entry) => {
    const source = readFileSync(entry.file, 'utf8');
    expect(placesOf(source, entry)).toHaveLength(1);
    expect(switchedOff(source, entry)).not.toBe(source);
    expect(entry.file).toMatch(/^src\/.*\.ts$/);
  });

  it('names each once, and a test for every attack', () => {
    const names = switches.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    const tests = readdirSync('test/attacks')
      .filter((name) => name.endsWith('.test.ts') && name !== 'switches.test.ts')
      .map((name) => `test/attacks/${name}`);
    expect(new Set(switches.map(({ test }) => test))).toEqual(new Set(tests));
  });

  it('changes one file, and none unless it is asked to', () => {
    const [entry = expect.fail('the table is empty')] = switches;
    const source = readFileSync(entry.file, 'utf8');
    expect(switchOff(entry.name).transform(source, `${process.cwd()}/${entry.file}`)).toBe(switchedOff(source, entry));
    expect(switchOff(entry.name).transform(source, `${process.cwd()}/src/main.ts`)).toBeUndefined();
    expect(switchOff(undefined).transform(source, `${process.cwd()}/${entry.file}`)).toBeUndefined();
    expect(() => switchOff('no such thing')).toThrow('no such thing');
    expect(() => switchedOff('nothing of it', entry)).toThrow(entry.name);
  });
});
