import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Screen, tellingOn } from '../../src/adapters/terminal.js';

const screen = (some: Partial<Screen> = {}): Screen & { readonly shown: () => string } => {
  let text = '';
  const write = (more: string): void => void (text += more);
  return { write, look: 'plain', hasColors: false, columns: undefined, ...some, shown: () => text };
};

describe('what a command says', () => {
  it('is plain lines where nobody looks, however long', () => {
    const plain = screen();
    const tell = tellingOn(plain);
    tell.good('logged in');
    tell.note('so it is');
    tell.wrong('many words '.repeat(20).trim());
    expect(plain.shown()).toBe(`ok     logged in\nnote   so it is\nWRONG  ${'many words '.repeat(20).trim()}\n`);
  });

  it('is broken between words on a terminal, under where the text begins', () => {
    const narrow = screen({ columns: 30 });
    tellingOn(narrow).wrong('a sentence that is too long for one line of it');
    expect(narrow.shown()).toBe('WRONG  a sentence that is too\n       long for one line of it\n');
    const wide = screen({ columns: 20 });
    tellingOn(wide).note(`see ${'x'.repeat(40)} there`);
    expect(wide.shown()).toBe(`note   see\n       ${'x'.repeat(40)}\n       there\n`);
  });

  it('has colors only where they are wanted', () => {
    const colored = screen({ hasColors: true });
    tellingOn(colored).good('yes');
    expect(colored.shown()).toBe('\u001b[32mok   \u001b[39m  yes\n');
  });

  it('tells elsewhere of what takes longer than a second, once, and passes on how it ended', async () => {
    const plain = screen();
    const tell = tellingOn(plain);
    expect(await tell.during('waiting', Promise.resolve(7))).toBe(7);
    expect(plain.shown()).toBe('');
    await tell.during('waiting', sleep(2300));
    expect(plain.shown()).toBe('...    waiting\n');
    await expect(tell.during('waiting', Promise.reject(new TypeError('ours')))).rejects.toThrow(TypeError);
  });

  it('shows the seconds on a terminal, in a line that goes away', async () => {
    const live = screen({ look: 'live' });
    await tellingOn(live).during('waiting', sleep(1200));
    expect(live.shown()).toMatch(/\r. {6}waiting, 0 s\u001b\[K[^]*\r. {6}waiting, 1 s\u001b\[K/);
    expect(live.shown().endsWith('\r\u001b[K')).toBe(true);
    expect(live.shown()).not.toContain('\n');
  });
});
